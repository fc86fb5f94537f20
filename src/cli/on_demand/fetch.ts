/**
 * Functions with which commands fetch a manifest. A dynamic import of a room loads all of it; one of a file in this folder loads
 * only what the file names, at least in the bundle.
 *
 * @module
 */
export { fetchFirstManifestWith } from "../../actions/room.ts";
export { LOCAL_RUNTIME, resolveShortName } from "../../system/local/room.ts";
