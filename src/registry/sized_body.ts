import type { ByteStream } from "../internal/room.ts";

/**
 * Returns a body that `fetch` sends with `Content-Length` instead of in chunks, which costs less on both sides: servers
 * on Deno decode chunks in quadratic time when they are slower than the client. Only Deno sends it; other runtimes would
 * send nothing, so they get the stream itself. The stream must have exactly `size` bytes: `fetch` cuts the bytes that are
 * too many without an error.
 */
export function withLength(stream: ByteStream, size: number): ByteStream | SizedBody {
  return "Deno" in globalThis ? new SizedBody(stream, size) : stream;
}

/** A blob that has no bytes itself: `fetch` asks it for the size and the stream. */
class SizedBody extends Blob {
  readonly #stream: ByteStream;
  readonly #size: number;

  constructor(stream: ByteStream, size: number) {
    super();
    this.#stream = stream;
    this.#size = size;
  }

  override get size(): number {
    return this.#size;
  }

  override stream(): ByteStream {
    return this.#stream;
  }
}
