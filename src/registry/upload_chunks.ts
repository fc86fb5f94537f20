import { ManifestsError } from "../spec/room.ts";
import type { ChunkReader } from "./chunk_reader.ts";
import { mayResume } from "./may_pass.ts";
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
  /** Waits before another attempt. */
  readonly pause: (attempt: number) => Promise<void>;
}

/** How {@linkcode sendChunks} ended: with everything sent, or with a registry that cannot put chunks together. */
export type ChunksResult = { readonly sent: true } | { readonly sent: false; readonly first: Uint8Array<ArrayBuffer> };

/**
 * Sends a stream in chunks that are kept until they have arrived, so that a broken connection costs no more than one
 * (distribution-spec, "Pushing a blob in chunks").
 *
 * @throws {ManifestsError} With code `REGISTRY_ERROR` where the session is lost with chunks that are no longer here.
 */
export async function sendChunks(options: ChunkOptions): Promise<ChunksResult> {
  const { reader, chunkSize } = options;
  for (let start = 0;;) {
    const chunk = await reader.read(chunkSize);
    if (chunk.length === 0) return { sent: true };
    const status = await sendChunk(options, chunk, start);
    // Amazon's registry takes a chunk for the whole blob, says 201, and forgets it when the next one comes.
    if (status === 201 && start === 0 && !reader.ended) return { sent: false, first: chunk };
    start += chunk.length;
  }
}

/** Sends one chunk, and what of it did not arrive once more. */
async function sendChunk(
  { session, pause }: ChunkOptions,
  chunk: Uint8Array<ArrayBuffer>,
  start: number,
): Promise<number> {
  const end = start + chunk.length;
  let offset = start;
  for (let attempt = 1;; attempt++) {
    let received: number | undefined;
    try {
      const answer = await session.append(chunk.subarray(offset - start), { start: offset });
      received = answer.received ?? end;
      // What is said of a fresh session is said of a single byte too.
      if (received === end || received <= 1) return answer.status;
    } catch (error) {
      if (attempt >= MAX_ATTEMPTS || !mayResume(error)) throw error;
      if (attempt > 1) await pause(attempt - 1);
      received = await session.findOffset();
    }
    if (received === end) return 202;
    if (received === undefined || received < start || received > end || attempt >= MAX_ATTEMPTS) {
      throw new ManifestsError(
        "REGISTRY_ERROR",
        `Cannot upload to ${session.url} as the session ${
          received === undefined ? "is lost" : `has ${received} bytes`
        } where ${start} to ${end} were sent`,
      );
    }
    offset = received;
  }
}
