/**
 * Images in folders, one file per blob: `dir:`.
 *
 * @module
 */
export { createDirTransport, DirReference } from "./reference.ts";
