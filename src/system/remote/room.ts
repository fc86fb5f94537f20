/**
 * The part that needs nothing but `fetch`: lists that are made, filled from registries and pushed, without a disk.
 *
 * @module
 */
export { verifyAttestations } from "./attestations.ts";
export { composeIndex } from "./compose_index.ts";
export { annotateIndex, appendToIndex, removeFromIndex } from "./edit_index.ts";
export { copyIndex, inspectIndex, retag, validateIndex } from "./images.ts";
export { REMOTE_RUNTIME } from "./runtime.ts";
export { create, List } from "./list.ts";
export type { SystemContext } from "./types.ts";
