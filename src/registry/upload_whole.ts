import type { ByteStream } from "../internal/room.ts";
import { BrokenSessionError, isResumable, needsShorter } from "./failures.ts";
import type { UploadSession } from "./upload_session.ts";
import { appendStream } from "./upload_stream.ts";

/** Maximum consecutive attempts without progress. */
const MAX_ATTEMPTS = 4;
/** Number of new bytes that must have arrived to be progress. */
const PROGRESS = 1024 * 1024;

/** Options for {@linkcode sendWhole}. */
export interface WholeOptions {
  /** Session that has no bytes yet. */
  readonly session: UploadSession;
  /** Bytes of the blob, from its start. */
  readonly stream: ByteStream;
  /** Size of the blob in bytes; `undefined` if it is not known. */
  readonly size: number | undefined;
  /** Reads the bytes again from an offset on; `undefined`: an interrupted upload fails. */
  readonly reopen: ((offset: number) => Promise<ByteStream>) | undefined;
  /** Waits before the next attempt. */
  readonly pause: (attempt: number, error: unknown) => Promise<void>;
  /** Maximum time without progress, in milliseconds; `undefined`: 120,000. */
  readonly stallTimeout: number | undefined;
  /** Ignore the ranges that the session reports, and resume nothing. */
  readonly ignoresRanges: boolean;
}

/**
 * Sends a stream in one request, which every registry accepts. If it is interrupted and the bytes can be read again, the
 * rest is sent in another request. The session's own report (`GET`) decides at which offset the rest starts: in some
 * registries, the response to `PATCH` describes only that request.
 *
 * @returns `true` if the upload was resumed.
 * @throws {BrokenSessionError} If the session is lost, or reports other bytes than were sent.
 */
export async function sendWhole(options: WholeOptions): Promise<boolean> {
  const { session, reopen, pause, ignoresRanges } = options;
  let { stream } = options;
  let offset = 0;
  let most = 0;
  for (let attempt = 1;; attempt++) {
    let arrived: number | undefined;
    const start = offset;
    try {
      const { sent, received } = await appendStream(session, stream, {
        size: options.size === undefined ? undefined : options.size - start,
        stallTimeout: options.stallTimeout,
        reopen: reopen && (() => reopen(start)),
      });
      const end = start + sent;
      // No range, or the range of an empty session (`0-0`), does not contradict: the registry is assumed to have all bytes.
      const isComplete = received === undefined || received <= 1 || received >= end;
      if (reopen === undefined || ignoresRanges || isComplete) return offset > 0;
      arrived = await session.findOffset();
      if (arrived === end) return offset > 0;
      if (arrived !== undefined && (arrived <= offset || arrived > end)) {
        throw new BrokenSessionError(session.url, `it reports ${arrived} bytes after ${offset} to ${end} were sent`);
      }
    } catch (error) {
      if (!stream.locked) await stream.cancel(error).catch(() => {});
      const resumable = reopen !== undefined && !ignoresRanges && attempt < MAX_ATTEMPTS && isResumable(error);
      // If a new token failed too at the second attempt, tokens expire before such a long request ends.
      if (!resumable || (attempt > 1 && needsShorter(error))) throw error;
      if (attempt > 1) await pause(attempt - 1, error);
      arrived = await session.findOffset();
    }
    if (arrived === undefined) throw new BrokenSessionError(session.url);
    // The last bytes are only sent when the source has ended, so nothing is left to verify.
    if (arrived === options.size) return true;
    if (options.size !== undefined && arrived > options.size) {
      throw new BrokenSessionError(session.url, `it reports ${arrived} bytes of ${options.size}`);
    }
    // Compared with the maximum so far: a session that goes back and forth makes no progress.
    if (arrived - most >= PROGRESS) attempt = 0;
    most = Math.max(most, arrived);
    offset = arrived;
    stream = await reopen(offset);
  }
}
