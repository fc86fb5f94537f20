/**
 * Finds and reads configuration files. Bound to a host.
 *
 * @module
 */
export { loadCredentials } from "./auth_files.ts";
export { findCacheFolder } from "./cache_folder.ts";
export { mayRead, readEnv, readOptional, readRequired } from "./host.ts";
export { findStore, type StoreChoice } from "./storage_files.ts";
