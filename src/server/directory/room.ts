/**
 * A registry storage in a directory. Bound to a host with a disk.
 *
 * @module
 */
export { type DirectoryStorage, openDirectoryStorage } from "./storage.ts";
