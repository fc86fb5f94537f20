/**
 * The local images of podman and buildah: `containers-storage:`.
 *
 * @module
 */
export type { StoreSpec } from "./parse.ts";
export { ContainersStorageReference, createContainersStorageTransport } from "./reference.ts";
