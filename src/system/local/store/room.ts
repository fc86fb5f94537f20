/**
 * Opening the local store, for programs that do nothing else and should start at once.
 *
 * @module
 */
export { openStore, type OpenStoreOptions } from "../store.ts";
