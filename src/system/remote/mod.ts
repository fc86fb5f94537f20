/**
 * The part that needs nothing but `fetch`: lists that are made, filled from registries and pushed, without a disk.
 *
 * @module
 */
export { BaseList } from "../../list/mod.ts";
export { create, List } from "./list.ts";
export type { AddOptions, CopyEvent, ImageReference, PushOptions, PushResult, SystemContext } from "./types.ts";
