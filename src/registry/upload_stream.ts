import type { ByteStream } from "../internal/room.ts";
import { ManifestsError } from "../spec/room.ts";
import type { UploadSession } from "./upload_session.ts";

/** Default for the maximum time without progress of a streamed upload, or until its response, in milliseconds. */
const STALL_TIMEOUT = 120_000;

/** Options for {@linkcode appendStream}. */
export interface AppendStreamOptions {
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
  { stallTimeout = STALL_TIMEOUT, reopen }: AppendStreamOptions,
): Promise<{ sent: number; received: number | undefined }> {
  const stalled = new AbortController();
  const stall = () =>
    stalled.abort(new ManifestsError("NETWORK", `Cannot upload to ${session.url}: no progress for ${stallTimeout} ms`));
  let timer = setTimeout(stall, stallTimeout);
  let isOver = false;
  const onProgress = () => {
    clearTimeout(timer);
    // `fetch` may still read from the stream after it has failed; the timer must not start again then.
    if (!isOver) timer = setTimeout(stall, stallTimeout);
  };
  let body = new CountedBody(stream, onProgress);
  const again = reopen && (async () => {
    await body.cancel("redirected");
    body = new CountedBody(await reopen(), onProgress);
    return body.stream;
  });
  try {
    const { received } = await session.append(body.stream, { signal: stalled.signal, reopen: again });
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
    isOver = true;
    clearTimeout(timer);
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
  /** The source has ended, and all its bytes were sent. */
  ended = false;
  /** Error of the source. `fetch` replaces it by an error of its own, which does not explain the failure. */
  failure: { reason: unknown } | undefined;
  #cancelled = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

  /** `onProgress` is called whenever bytes are requested or were read. */
  constructor(source: ByteStream, onProgress: () => void) {
    this.#reader = source.getReader();
    this.stream = new ReadableStream({
      pull: async (controller) => {
        if (this.#cancelled) return controller.error(CANCELLED);
        onProgress();
        try {
          const { done, value } = await this.#reader.read();
          // After a cancel, the request must fail instead of looking complete; the source has not failed.
          if (this.#cancelled) return controller.error(CANCELLED);
          this.ended = done;
          if (done) return controller.close();
          this.sent += value.length;
          controller.enqueue(value);
        } catch (reason) {
          this.failure ??= { reason };
          throw reason;
        }
        onProgress();
      },
      cancel: (reason) => this.cancel(reason),
    }, { highWaterMark: 0 });
  }

  /** Cancels the source and fails the request. */
  async cancel(reason: unknown): Promise<void> {
    this.#cancelled = true;
    await this.#reader.cancel(reason).catch(() => {});
  }

  /** Releases the source, so that it can be read or cancelled elsewhere. */
  release(): void {
    this.#reader.releaseLock();
  }
}
