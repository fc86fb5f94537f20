/**
 * Images in folders, one file per blob: `dir:`.
 *
 * @module
 */
export { createDirTransport } from "./reference.ts";
