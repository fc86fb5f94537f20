/**
 * Functions with which commands describe an image.
 *
 * @module
 */
export { readFirst } from "../../actions/room.ts";
export { describeImage } from "../../system/local/room.ts";
