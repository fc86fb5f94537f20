/**
 * Functions with which commands name an image of the local store.
 *
 * @module
 */
export { parseLocalReference } from "../../system/local/room.ts";
