/**
 * A registry storage in a directory. Bound to a host with a disk.
 *
 * @module
 */
export { openDirectoryStorage } from "./storage.ts";
