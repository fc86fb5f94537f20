import type { ByteStream } from "../streams.ts";

type Chunk = Uint8Array<ArrayBuffer>;

/** Reads a stream in blocks of a fixed size, each in memory of its own, which may be transferred to another thread. */
export class BlockReader {
  readonly #reader: ReadableStreamDefaultReader<Chunk>;
  readonly #size: number;
  #rest: Chunk = new Uint8Array();

  /** Takes over the stream. `size` is that of every block but the last, in bytes. */
  constructor(stream: ByteStream, size: number) {
    this.#reader = stream.getReader();
    this.#size = size;
  }

  /**
   * The next block; `undefined` at the end. Rejects where the stream fails.
   *
   * @param spare Memory to put it into, of the size of a block.
   */
  async next(spare?: ArrayBuffer): Promise<Chunk | undefined> {
    let block: Chunk | undefined;
    let at = 0;
    while (at < this.#size) {
      if (this.#rest.length === 0) {
        const { value } = await this.#reader.read();
        if (!value) break;
        this.#rest = value;
      }
      block ??= new Uint8Array(spare ?? new ArrayBuffer(this.#size));
      const part = this.#rest.subarray(0, this.#size - at);
      block.set(part, at);
      at += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return block?.subarray(0, at);
  }

  /** Cancels the stream, also while a read waits. Never rejects. */
  async cancel(reason?: unknown): Promise<void> {
    await this.#reader.cancel(reason).catch(() => {});
  }
}
