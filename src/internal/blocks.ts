import { type ByteStream, openReader, type Reader } from "./streams.ts";

type Chunk = Uint8Array<ArrayBuffer>;

/** Reads a stream in blocks of a fixed size. Each block has its own buffer, so that it can be moved to a worker. */
export class BlockReader {
  readonly #reader: Reader;
  readonly #size: number;
  #chunk: Chunk | undefined;
  /** The part of the chunk that is not in a block yet. */
  #rest: Chunk = new Uint8Array();

  /** Takes over the stream. `size` is the size of every block except the last, in bytes. */
  constructor(stream: ByteStream, size: number) {
    this.#reader = openReader(stream);
    this.#size = size;
  }

  /**
   * Reads the next block; `undefined` at the end. Rejects if the stream fails.
   *
   * @param spare Buffer of the size of a block to use. Default: a new buffer.
   */
  async next(spare?: ArrayBuffer): Promise<Chunk | undefined> {
    let block: Chunk | undefined;
    let at = 0;
    while (at < this.#size) {
      if (this.#rest.length === 0) {
        this.#chunk = await this.#reader.read(this.#chunk);
        if (!this.#chunk) break;
        this.#rest = this.#chunk;
      }
      block ??= new Uint8Array(spare ?? new ArrayBuffer(this.#size));
      const part = this.#rest.subarray(0, this.#size - at);
      block.set(part, at);
      at += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return block?.subarray(0, at);
  }

  /** Cancels the stream, even while a read waits. Never rejects. */
  async cancel(reason?: unknown): Promise<void> {
    await this.#reader.cancel(reason).catch(() => {});
  }
}
