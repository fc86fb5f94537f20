import type { RegistryConnection } from "./connection.ts";

/** Length of a chunk where nothing asks for another one, in bytes. */
export const CHUNK_SIZE = 16 * 1024 * 1024;
/** Chunks are not made smaller than this because a registry refuses larger ones, in bytes. */
const MIN_CHUNK_SIZE = 128 * 1024;

/** What uploads to one registry have found out about the requests that it, or a proxy before it, takes. */
export class UploadLimits {
  /**
   * The most that a request may carry, in bytes, sent with its length. `undefined`: nothing was refused, so a blob goes
   * in one request.
   */
  maxLength: number | undefined;
  /** Whether the registry does not put chunks together. */
  refusesChunks = false;

  /** Notes that a request was too long, or had to tell its length: what follows is sent in chunks. */
  sendChunks(): void {
    this.maxLength ??= CHUNK_SIZE;
  }

  /** Notes that a request of so many bytes was too long. Returns whether shorter ones are left to try. */
  lower(length: number, minimum = 0): boolean {
    const shorter = Math.max(Math.floor(length / 4), MIN_CHUNK_SIZE, minimum);
    if (shorter >= length) return false;
    this.maxLength = Math.min(shorter, this.maxLength ?? Infinity);
    return true;
  }
}

const LIMITS = new WeakMap<RegistryConnection, UploadLimits>();

/** What uploads of a client have found out. */
export function getUploadLimits(connection: RegistryConnection): UploadLimits {
  const limits = LIMITS.get(connection) ?? new UploadLimits();
  LIMITS.set(connection, limits);
  return limits;
}
