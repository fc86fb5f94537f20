/** Release files: the indexes of a product and their tags in one file. Plan, lock, apply. */
export { parseReleaseFile, type ParseReleaseFileOptions } from "./parse_release_file.ts";
export {
  EMPTY_LOCK,
  findLocked,
  formatReleaseLock,
  type LockedRelease,
  parseReleaseLock,
  type ReleaseLock,
  withLocked,
} from "./lock.ts";
export { createReleaseSchema } from "./schema.ts";
export type {
  DigestFolder,
  Release,
  ReleaseFile,
  ReleaseProvenance,
  ReleaseSigner,
  ReleaseSource,
  SecretPlace,
} from "./types.ts";
