import { type ByteStream, compactChunk, concatBytes } from "../internal/room.ts";

/** Reads a stream in pieces of a given length. */
export class ChunkReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array();
  /** The stream has ended: only `#rest` is left. */
  ended = false;

  constructor(stream: ByteStream) {
    this.#reader = stream.getReader();
  }

  /** Returns the next `length` bytes, or fewer at the end of the stream. */
  async read(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const parts = [this.#rest];
    let size = this.#rest.length;
    // Read one byte more than requested, to know whether this piece is the last one.
    while (size <= length && !this.ended) {
      const { done, value } = await this.#reader.read();
      this.ended = done;
      if (done) break;
      parts.push(compactChunk(value));
      size += value.length;
    }
    const all = concatBytes(parts);
    this.#rest = all.slice(length);
    return all.subarray(0, length);
  }

  /** Returns the bytes `before`, which were already read, followed by the rest of the stream. */
  rest(before: Uint8Array<ArrayBuffer>): ByteStream {
    const reader = this.#reader;
    const parts = [before, this.#rest].filter(({ length }) => length > 0);
    return new ReadableStream({
      async pull(controller) {
        const part = parts.shift() ?? (await reader.read()).value;
        if (part) controller.enqueue(part);
        else controller.close();
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 });
  }

  /** Cancels the stream; errors are ignored. */
  async cancel(reason: unknown): Promise<void> {
    await this.#reader.cancel(reason).catch(() => {});
  }
}
