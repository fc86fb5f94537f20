import type { ByteStream } from "../internal/room.ts";
import { BrokenSessionError, isResumable, needsShorter } from "./failures.ts";
import type { UploadSession } from "./upload_session.ts";
import { appendStream } from "./upload_stream.ts";

/** How often an upload goes on without having got on. */
const MAX_ATTEMPTS = 4;
/** So much more than ever must have arrived for an upload to have got on, in bytes. */
const PROGRESS = 1024 * 1024;

/** What {@linkcode sendWhole} needs. */
export interface WholeOptions {
  /** A session without bytes. */
  readonly session: UploadSession;
  /** The bytes. */
  readonly stream: ByteStream;
  /** The bytes from a position on, once more. */
  readonly reopen: ((offset: number) => Promise<ByteStream>) | undefined;
  /** Waits before another attempt. */
  readonly pause: (attempt: number, error: unknown) => Promise<void>;
  /** How long the upload may stand still, in milliseconds. */
  readonly stallTimeout: number | undefined;
  /** Whether what the session reports is not believed: then nothing is resumed. */
  readonly ignoresRanges: boolean;
}

/**
 * Sends a stream in one request, as all registries take it; where that breaks, the rest in another one, if the bytes can
 * be had again. What the session itself reports (`GET`) decides what the rest is: the answers to `PATCH` describe only
 * that request in some registries.
 *
 * @returns Whether the upload was resumed.
 * @throws {BrokenSessionError} Where the session is lost, or contradicts what was sent.
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
        stallTimeout: options.stallTimeout,
        reopen: reopen && (() => reopen(start)),
      });
      const end = start + sent;
      // A registry that reports nothing, or only what it reports of every session, is believed to have everything.
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
      // A token that was fresh at the second attempt does not live as long as the request takes.
      if (!resumable || (attempt > 1 && needsShorter(error))) throw error;
      if (attempt > 1) await pause(attempt - 1, error);
      arrived = await session.findOffset();
    }
    if (arrived === undefined) throw new BrokenSessionError(session.url);
    // Progress that goes back and forth is none.
    if (arrived - most >= PROGRESS) attempt = 0;
    most = Math.max(most, arrived);
    offset = arrived;
    stream = await reopen(offset);
  }
}
