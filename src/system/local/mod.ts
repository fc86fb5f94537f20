/**
 * The wiring of a host with a disk: what `mod.ts` exports.
 *
 * @module
 */
export { create, editList, List, loadFromImage, parseImageName } from "./list.ts";
export { hostPlatform } from "./platform.ts";
export { openStore, type OpenStoreOptions } from "./store.ts";
