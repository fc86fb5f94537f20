import { type ByteStream, readChunks } from "../../../internal/room.ts";

/** Reads given numbers of bytes from a stream. */
export class ByteSource {
  readonly #chunks: AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined>;
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array();

  constructor(stream: ByteStream) {
    this.#chunks = readChunks(stream);
  }

  /** Reads the next bytes, at least one and at most `limit`; `undefined` at the end of the stream. */
  async readSome(limit: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) return undefined;
      this.#rest = value;
    }
    const taken = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  /** Reads exactly `count` bytes, or fewer at the end of the stream. */
  async readExactly(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const first = await this.readSome(count) ?? new Uint8Array();
    if (first.length === count) return first;
    const whole = new Uint8Array(count);
    whole.set(first);
    let filled = first.length;
    for (let next; filled < count && (next = await this.readSome(count - filled));) {
      whole.set(next, filled);
      filled += next.length;
    }
    return whole.subarray(0, filled);
  }

  /** Cancels the rest of the stream. */
  async close(): Promise<void> {
    await this.#chunks.return();
  }
}
