/**
 * Opening the local store, for programs that do nothing else and should start at once.
 *
 * @module
 */
export { openStore } from "../store.ts";
