import { type ByteStream, readChunks } from "../../../internal/room.ts";

/** Reads a stream by counts of bytes. */
export class ByteSource {
  readonly #chunks: AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined>;
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array();

  constructor(stream: ByteStream) {
    this.#chunks = readChunks(stream);
  }

  /** The next bytes, at least one and at most `limit`; `undefined` at the end. */
  async some(limit: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) return undefined;
      this.#rest = value;
    }
    const taken = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  /** Exactly `count` bytes; fewer only at the end. */
  async exactly(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const first = await this.some(count) ?? new Uint8Array();
    if (first.length === count) return first;
    const whole = new Uint8Array(count);
    whole.set(first);
    let filled = first.length;
    for (let next; filled < count && (next = await this.some(count - filled));) {
      whole.set(next, filled);
      filled += next.length;
    }
    return whole.subarray(0, filled);
  }

  /** Gives the stream up. */
  async close(): Promise<void> {
    await this.#chunks.return();
  }
}
