/**
 * Functions with which commands read images into a list.
 *
 * @module
 */
export { create, editList, loadFromImage } from "../../system/local/room.ts";
