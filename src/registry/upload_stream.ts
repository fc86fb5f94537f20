import { type ByteStream, createStream, openReader, type Reader, startTimer } from "../internal/room.ts";
import { ManifestsError } from "../spec/room.ts";
import type { UploadSession } from "./upload_session.ts";

/** Default for the maximum time without progress of a streamed upload, or until its response, in milliseconds. */
const STALL_TIMEOUT = 120_000;

/** Options for {@linkcode appendStream}. */
export interface AppendStreamOptions {
  /** Number of bytes that the stream has. Default: not known, so the request has no `Content-Length`. */
  readonly size?: number | undefined;
  /** Maximum time without progress, in milliseconds. Default: 120,000. */
  readonly stallTimeout?: number | undefined;
  /** Opens the stream again if the request is redirected. Default: a redirect is an error. */
  readonly reopen?: (() => Promise<ByteStream>) | undefined;
}

/**
 * Streams bytes into a session with one request, which every registry accepts.
 *
 * @returns The number of bytes that were sent, and the number that the registry reports to have, if it reports one.
 * @throws {unknown} The stream's own error if the stream failed.
 * @throws {RegistryError} If the registry rejects the bytes; its code follows from the status.
 * @throws {ManifestsError} With code `NETWORK` if the upload stalls, or the registry stops reading.
 */
export async function appendStream(
  session: UploadSession,
  stream: ByteStream,
  { size, stallTimeout = STALL_TIMEOUT, reopen }: AppendStreamOptions,
): Promise<{ sent: number; received: number | undefined }> {
  const stalled = new AbortController();
  const stall = () =>
    stalled.abort(new ManifestsError("NETWORK", `Cannot upload to ${session.url}: no progress for ${stallTimeout} ms`));
  let progressed = performance.now();
  // One timer, which looks how old the last progress is: a timer for each chunk would cost much of the CPU time.
  const check = () => {
    const left = progressed + stallTimeout - performance.now();
    if (left < 1) stall();
    else stopTimer = startTimer(left, check);
  };
  let stopTimer = startTimer(stallTimeout, check);
  const onProgress = () => progressed = performance.now();
  let body = new CountedBody(stream, size, onProgress);
  const again = reopen && (async () => {
    await body.cancel("redirected");
    body = new CountedBody(await reopen(), size, onProgress);
    return body.stream;
  });
  try {
    const { received } = await session.append(body.stream, { size, signal: stalled.signal, reopen: again });
    if (!body.ended) {
      throw new ManifestsError(
        "NETWORK",
        `Cannot upload to ${session.url}: the registry answered before it had read all bytes`,
      );
    }
    return { received, sent: body.sent };
  } catch (error) {
    await body.cancel(error);
    throw body.failure ? body.failure.reason : error;
  } finally {
    stopTimer();
    body.release();
  }
}

const CANCELLED = new Error("the upload was cancelled");

/** The body of a streamed request. It reads the source by hand, so that it can release it while `fetch` holds the body. */
class CountedBody {
  /** Stream that is given to `fetch`. */
  readonly stream: ByteStream;
  /** Number of bytes that were sent. */
  sent = 0;
  /** The source has ended, and all its bytes were handed to the request. */
  ended = false;
  /** Error of the source. `fetch` replaces it by an error of its own, which does not explain the failure. */
  failure: { reason: unknown } | undefined;
  #cancelled = false;
  readonly #reader: Reader;
  readonly #size: number | undefined;
  readonly #onProgress: () => void;

  /** `onProgress` is called whenever bytes are requested or were read. `size`: expected number of bytes, if it is known. */
  constructor(source: ByteStream, size: number | undefined, onProgress: () => void) {
    this.#reader = openReader(source);
    this.#size = size;
    this.#onProgress = onProgress;
    this.stream = createStream((spare) => this.#read(spare), (reason) => this.cancel(reason));
  }

  async #read(spare?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#cancelled) throw CANCELLED;
    if (this.ended) return undefined;
    this.#onProgress();
    let chunk: Uint8Array<ArrayBuffer> | undefined;
    try {
      chunk = await this.#reader.read(spare);
      let sent = this.sent + (chunk?.length ?? 0);
      let last = chunk;
      if (chunk && sent === this.#size) {
        // The end is read before the last bytes are sent: a registry that has them all may answer before the request asks
        // for the end.
        last = await this.#reader.read();
        sent += last?.length ?? 0;
      }
      // After a cancel, the request must fail instead of looking complete; the source has not failed.
      if (this.#cancelled) throw CANCELLED;
      this.#assertSize(sent, last === undefined);
      this.ended = last === undefined;
    } catch (reason) {
      if (!this.#cancelled) this.failure ??= { reason };
      throw reason;
    }
    this.#onProgress();
    this.sent += chunk?.length ?? 0;
    return chunk;
  }

  /** Fails a body whose size is not the announced one: `fetch` would cut the bytes that are too many without an error. */
  #assertSize(sent: number, ended: boolean): void {
    if (this.#size === undefined || (ended ? sent === this.#size : sent <= this.#size)) return;
    throw new ManifestsError("SIZE_MISMATCH", `Cannot upload: the stream has ${sent} bytes instead of ${this.#size}`);
  }

  /** Cancels the source and fails the request. */
  async cancel(reason: unknown): Promise<void> {
    this.#cancelled = true;
    await this.#reader.cancel(reason).catch(() => {});
  }

  /** Releases the source, so that it can be read or cancelled elsewhere. */
  release(): void {
    this.#reader.release();
  }
}
