import type { ByteStream } from "../internal/room.ts";

/**
 * Returns a body that `fetch` sends with `Content-Length` instead of in chunks, which costs less on both sides: servers
 * on Deno decode chunks in quadratic time when they are slower than the client. Only Deno sends it; other runtimes would
 * send nothing, so they get the stream itself. The stream must have exactly `size` bytes: `fetch` cuts the bytes that are
 * too many without an error.
 *
 * @returns The body, and the header by which {@linkcode isSizedStream} knows it; `fetch` itself ignores that header.
 */
export function withLength(stream: ByteStream, size: number): { body: BodyInit; headers: Record<string, string> } {
  if (!("Deno" in globalThis)) return { body: stream, headers: {} };
  return { body: new SizedBody(stream, size), headers: { "content-length": `${size}` } };
}

/** Returns whether the body of a request is a stream whose size its headers give. */
export function isSizedStream(request: Request): boolean {
  // Only a request that has the header is asked for its body, which would become a stream.
  return request.headers.has("content-length") && request.body !== null;
}

const bytesOf = new WeakMap<Request, Uint8Array<ArrayBuffer>>();

/** Remembers the bytes that are the body of a request, for {@linkcode getBytes}. */
export function rememberBytes(request: Request, bytes: Uint8Array<ArrayBuffer>): void {
  bytesOf.set(request, bytes);
}

/**
 * Returns the bytes that are the body of a request, if they are known. To send them is cheaper than to send the request,
 * whose body `fetch` passes through two more streams.
 */
export function getBytes(request: Request): Uint8Array<ArrayBuffer> | undefined {
  return bytesOf.get(request);
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
