/**
 * Functions with which commands choose an image of a list.
 *
 * @module
 */
export { readConfigBytes, withChosenManifest } from "../../actions/room.ts";
export { hostPlatform, LOCAL_RUNTIME } from "../../system/local/room.ts";
