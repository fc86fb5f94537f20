/**
 * What commands need to describe an image.
 *
 * @module
 */
export { readFirst } from "../../actions/room.ts";
export { describeImage } from "../../system/local/room.ts";
