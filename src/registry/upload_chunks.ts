import type { ChunkReader } from "./chunk_reader.ts";
import { BrokenSessionError, isResumable, needsShorter } from "./failures.ts";
import type { UploadLimits } from "./upload_limits.ts";
import type { UploadSession } from "./upload_session.ts";

/** Maximum number of attempts to send one chunk. */
const MAX_ATTEMPTS = 4;

/** Options for {@linkcode sendChunks}. */
export interface ChunkOptions {
  /** Session that has no bytes yet. */
  readonly session: UploadSession;
  /** Reader of the blob's bytes. */
  readonly reader: ChunkReader;
  /** Length of every chunk but the last, in bytes. */
  readonly chunkSize: number;
  /** Limits of the registry; lowered if it accepts only smaller chunks. */
  readonly limits: UploadLimits;
  /** Waits before the next attempt. */
  readonly pause: (attempt: number, error: unknown) => Promise<void>;
  /** Ignore the ranges that the session reports, and resume nothing. */
  readonly ignoresRanges: boolean;
}

/** Result of {@linkcode sendChunks}: everything was sent, or the registry cannot assemble chunks (`first` was sent). */
export type ChunksResult = { readonly sent: true } | { readonly sent: false; readonly first: Uint8Array<ArrayBuffer> };

/**
 * Sends a stream in chunks (distribution-spec, "Pushing a blob in chunks"). Each chunk is kept until it has arrived, so
 * that an interrupted connection costs at most one chunk. A chunk that is too long, or takes longer than the token lives,
 * is divided.
 *
 * @throws {BrokenSessionError} If the session is lost after earlier chunks, or reports other bytes than were sent.
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
        // Amazon's registry takes a chunk for the whole blob, answers 201, and discards it when the next one arrives.
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

/** Sends one chunk; after an interruption, sends the part again that did not arrive. Returns the status. */
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
      // `0-0` means one byte or none, so it does not contradict; a missing range does not either.
      if (ignoresRanges || received === undefined || received === end || received <= 1) return status;
      // Some registries report the bytes of this request only: the session itself has the right number.
      arrived = await session.findOffset();
      if (arrived === end) return status;
      if (arrived !== undefined && arrived <= offset) throw createContradiction(session, arrived, start, end);
    } catch (error) {
      if (ignoresRanges || attempt >= MAX_ATTEMPTS || needsShorter(error) || !isResumable(error)) throw error;
      if (attempt > 1) await pause(attempt - 1, error);
      arrived = await session.findOffset();
    }
    if (arrived === end) return 202;
    if (arrived === undefined || arrived < start || arrived > end || attempt >= MAX_ATTEMPTS) {
      throw createContradiction(session, arrived, start, end);
    }
    offset = arrived;
  }
}

function createContradiction(session: UploadSession, arrived: number | undefined, start: number, end: number): Error {
  const problem = arrived === undefined ? undefined : `it reports ${arrived} bytes after ${start} to ${end} were sent`;
  return new BrokenSessionError(session.url, problem);
}
