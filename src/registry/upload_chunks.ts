import type { ChunkReader } from "./chunk_reader.ts";
import { BrokenSessionError, isResumable, needsShorter } from "./failures.ts";
import type { UploadLimits } from "./upload_limits.ts";
import type { UploadSession } from "./upload_session.ts";

/** How often one chunk is sent again. */
const MAX_ATTEMPTS = 4;

/** What {@linkcode sendChunks} needs. */
export interface ChunkOptions {
  /** A session without bytes. */
  readonly session: UploadSession;
  /** The bytes. */
  readonly reader: ChunkReader;
  /** Length of every chunk but the last, in bytes. */
  readonly chunkSize: number;
  /** Lowered where the registry takes only smaller chunks. */
  readonly limits: UploadLimits;
  /** Waits before another attempt. */
  readonly pause: (attempt: number, error: unknown) => Promise<void>;
  /** Whether what the session reports is not believed: then nothing is resumed. */
  readonly ignoresRanges: boolean;
}

/** How {@linkcode sendChunks} ended: with everything sent, or with a registry that cannot put chunks together. */
export type ChunksResult = { readonly sent: true } | { readonly sent: false; readonly first: Uint8Array<ArrayBuffer> };

/**
 * Sends a stream in chunks that are kept until they have arrived, so that a broken connection costs no more than one
 * (distribution-spec, "Pushing a blob in chunks"). A chunk that is too long, or takes longer than a token lives, is cut.
 *
 * @throws {BrokenSessionError} Where the session is lost with chunks that are no longer here, or contradicts what was sent.
 */
export async function sendChunks(options: ChunkOptions): Promise<ChunksResult> {
  const { session, reader, limits } = options;
  let size = options.chunkSize;
  for (let start = 0;;) {
    const chunk = await reader.read(size);
    if (chunk.length === 0) return { sent: true };
    for (let at = 0; at < chunk.length;) {
      const piece = chunk.subarray(at, at + size);
      try {
        const status = await sendChunk(options, piece, start + at);
        const isAll = reader.ended && piece.length === chunk.length;
        // Amazon's registry takes a chunk for the whole blob, says 201, and forgets it when the next one comes.
        if (status === 201 && start + at === 0 && !isAll) return { sent: false, first: chunk };
        at += piece.length;
      } catch (error) {
        if (!needsShorter(error) || !limits.lower(piece.length, session.chunkMinLength)) throw error;
        size = limits.maxLength!;
      }
    }
    start += chunk.length;
  }
}

/** Sends one chunk, and what of it did not arrive once more. */
async function sendChunk(
  { session, pause, ignoresRanges }: ChunkOptions,
  chunk: Uint8Array<ArrayBuffer>,
  start: number,
): Promise<number> {
  const end = start + chunk.length;
  let offset = start;
  for (let attempt = 1;; attempt++) {
    let arrived: number | undefined;
    try {
      const { status, received } = await session.append(chunk.subarray(offset - start), { start: offset });
      // What is said of a fresh session is said of a single byte too.
      if (ignoresRanges || received === undefined || received === end || received <= 1) return status;
      // Some describe that request only: the session itself is asked.
      arrived = await session.findOffset();
      if (arrived === end) return status;
      if (arrived !== undefined && arrived <= offset) throw contradiction(session, arrived, start, end);
    } catch (error) {
      if (ignoresRanges || attempt >= MAX_ATTEMPTS || needsShorter(error) || !isResumable(error)) throw error;
      if (attempt > 1) await pause(attempt - 1, error);
      arrived = await session.findOffset();
    }
    if (arrived === end) return 202;
    if (arrived === undefined || arrived < start || arrived > end || attempt >= MAX_ATTEMPTS) {
      throw contradiction(session, arrived, start, end);
    }
    offset = arrived;
  }
}

function contradiction(session: UploadSession, arrived: number | undefined, start: number, end: number): Error {
  const problem = arrived === undefined ? undefined : `it reports ${arrived} bytes after ${start} to ${end} were sent`;
  return new BrokenSessionError(session.url, problem);
}
