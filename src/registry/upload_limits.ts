import type { RegistryConnection } from "./connection.ts";

/** Default length of a chunk, in bytes. */
export const CHUNK_SIZE = 16 * 1024 * 1024;
/** Minimum length to which chunks are reduced if a registry rejects larger ones, in bytes. */
const MIN_CHUNK_SIZE = 128 * 1024;

/** Limits of a registry, or a proxy in front of it, that earlier uploads have found out. */
export class UploadLimits {
  /**
   * Maximum length of a request with a `Content-Length`, in bytes. `undefined`: no request was rejected, so a blob is sent
   * in one request.
   */
  maxLength: number | undefined;
  /** The registry does not support uploads in chunks. */
  refusesChunks = false;

  /** Records that a request was too long, or needed a length: later blobs are sent in chunks. */
  sendChunks(): void {
    this.maxLength ??= CHUNK_SIZE;
  }

  /** Records that a request of `length` bytes was too long. Returns whether a shorter one can be tried. */
  lower(length: number, minimum = 0): boolean {
    const shorter = Math.max(Math.floor(length / 4), MIN_CHUNK_SIZE, minimum);
    if (shorter >= length) return false;
    this.maxLength = Math.min(shorter, this.maxLength ?? Infinity);
    return true;
  }
}

/** Limits by connection: all repositories of a client share them. */
const LIMITS = new WeakMap<RegistryConnection, UploadLimits>();

/** Returns the limits that the uploads of a connection have found out. */
export function getUploadLimits(connection: RegistryConnection): UploadLimits {
  const limits = LIMITS.get(connection) ?? new UploadLimits();
  LIMITS.set(connection, limits);
  return limits;
}
