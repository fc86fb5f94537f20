import type { ByteStream } from "../internal/room.ts";
import { ManifestsError } from "../spec/room.ts";
import type { UploadSession } from "./upload_session.ts";

/** How long a streamed upload may stand still, or its answer take, in milliseconds. */
const STALL_TIMEOUT = 120_000;

/** Options for {@linkcode appendStream}. */
export interface AppendStreamOptions {
  /** How long nothing may move, in milliseconds. Default: 120,000. */
  readonly stallTimeout?: number | undefined;
  /** Opens the stream once more, for a session that redirects; default: that is an error. */
  readonly reopen?: (() => Promise<ByteStream>) | undefined;
}

/**
 * Streams bytes into a session with one request, as all registries take it. Fails with the stream's own error where that
 * is what went wrong.
 *
 * @returns How many bytes were sent, and how many the registry says that it has, if it does.
 */
export async function appendStream(
  session: UploadSession,
  stream: ByteStream,
  { stallTimeout = STALL_TIMEOUT, reopen }: AppendStreamOptions,
): Promise<{ sent: number; received: number | undefined }> {
  const stalled = new AbortController();
  const stall = () =>
    stalled.abort(new ManifestsError("NETWORK", `Cannot upload to ${session.url} as nothing moves any more`));
  let timer = setTimeout(stall, stallTimeout);
  let over = false;
  const moved = () => {
    clearTimeout(timer);
    // `fetch` may still ask for bytes after it has failed.
    if (!over) timer = setTimeout(stall, stallTimeout);
  };
  let body = new CountedBody(stream, moved);
  const again = reopen && (async () => {
    await body.cancel("redirected");
    body = new CountedBody(await reopen(), moved);
    return body.stream;
  });
  try {
    const { received } = await session.append(body.stream, { signal: stalled.signal, reopen: again });
    if (!body.ended) {
      throw new ManifestsError("NETWORK", `Cannot upload to ${session.url} as it stopped reading`);
    }
    return { received, sent: body.sent };
  } catch (error) {
    await body.cancel(error);
    throw body.failure ? body.failure.reason : error;
  } finally {
    over = true;
    clearTimeout(timer);
    body.release();
  }
}

const CANCELLED = new Error("the upload was cancelled");

/** A stream as it is sent. Read by hand, so that the source can be given back also while `fetch` still holds the body. */
class CountedBody {
  /** What is sent. */
  readonly stream: ByteStream;
  /** How many bytes were sent. */
  sent = 0;
  /** Whether all of them were. */
  ended = false;
  /** `fetch` reports a failing body in its own words; the stream's own error is the one that tells what is wrong. */
  failure: { reason: unknown } | undefined;
  #cancelled = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

  /** `moved` is called whenever something was read. */
  constructor(source: ByteStream, moved: () => void) {
    this.#reader = source.getReader();
    this.stream = new ReadableStream({
      pull: async (controller) => {
        if (this.#cancelled) return controller.error(CANCELLED);
        moved();
        try {
          const { done, value } = await this.#reader.read();
          // The request must not look complete; that is not a failure of the source.
          if (this.#cancelled) return controller.error(CANCELLED);
          this.ended = done;
          if (done) return controller.close();
          this.sent += value.length;
          controller.enqueue(value);
        } catch (reason) {
          this.failure ??= { reason };
          throw reason;
        }
        moved();
      },
      cancel: (reason) => this.cancel(reason),
    }, { highWaterMark: 0 });
  }

  /** Gives the source up. */
  async cancel(reason: unknown): Promise<void> {
    this.#cancelled = true;
    await this.#reader.cancel(reason).catch(() => {});
  }

  /** Gives the source back. */
  release(): void {
    this.#reader.releaseLock();
  }
}
