import type { ByteStream } from "../internal/room.ts";
import { ManifestsError } from "../spec/room.ts";
import type { UploadSession } from "./upload_session.ts";

/** How long a streamed upload may stand still, or its answer take, in milliseconds. */
const STALL_TIMEOUT = 120_000;

/**
 * Streams bytes into a session with one request, as all registries take it. Fails with the stream's own error where that
 * is what went wrong.
 *
 * @param stallTimeout How long nothing may move, in milliseconds.
 * @returns How many bytes were sent, and how many the registry says that it has, if it does.
 */
export async function appendStream(
  session: UploadSession,
  stream: ByteStream,
  stallTimeout: number = STALL_TIMEOUT,
): Promise<{ sent: number; received: number | undefined }> {
  // `fetch` reports a failing body in its own words; the stream's own error is the one that tells what is wrong.
  let failure: { reason: unknown } | undefined;
  let ended = false;
  let cancelled = false;
  let sent = 0;
  const stalled = new AbortController();
  const stall = () =>
    stalled.abort(new ManifestsError("NETWORK", `Cannot upload to ${session.url} as nothing moves any more`));
  let timer = setTimeout(stall, stallTimeout);
  const moved = () => {
    clearTimeout(timer);
    timer = setTimeout(stall, stallTimeout);
  };
  // Read by hand, so that the source can be given back also while `fetch` still holds the body.
  const reader = stream.getReader();
  const body: ByteStream = new ReadableStream({
    async pull(controller) {
      moved();
      try {
        const { done, value } = await reader.read();
        ended = done;
        // A stream that nobody wants any more takes nothing, and that is no failure of the source.
        if (cancelled) return;
        if (done) return controller.close();
        sent += value.length;
        controller.enqueue(value);
      } catch (reason) {
        failure ??= { reason };
        throw reason;
      }
      moved();
    },
    cancel: (reason) => {
      cancelled = true;
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  try {
    const { received } = await session.append(body, { signal: stalled.signal });
    if (!ended) {
      throw new ManifestsError("REGISTRY_ERROR", `Cannot upload to ${session.url} as it stopped reading`);
    }
    return { received, sent };
  } catch (error) {
    await reader.cancel(error).catch(() => {});
    throw failure ? failure.reason : error;
  } finally {
    clearTimeout(timer);
    reader.releaseLock();
  }
}
