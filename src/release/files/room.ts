/** Release files, lock files and secrets on a disk. */
export { createReleaseHost } from "./host.ts";
export { openLockFile } from "./lock_file.ts";
export { type LoadedReleaseFile, readReleaseFile } from "./read_release_file.ts";
