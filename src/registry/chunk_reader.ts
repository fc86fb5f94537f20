import { type ByteStream, compactChunk, concatBytes } from "../internal/room.ts";

/** Reads a stream in pieces of a given length. */
export class ChunkReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array();
  /** Whether nothing comes any more. */
  ended = false;

  constructor(stream: ByteStream) {
    this.#reader = stream.getReader();
  }

  /** The next `length` bytes, or what is left. */
  async read(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const parts = [this.#rest];
    let size = this.#rest.length;
    // One byte more tells whether this is the last piece.
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

  /** What is left, after bytes that were read already. */
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

  /** Gives the stream up. */
  async cancel(reason: unknown): Promise<void> {
    await this.#reader.cancel(reason).catch(() => {});
  }
}
