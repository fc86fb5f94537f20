/**
 * The local images of podman and buildah: `containers-storage:`.
 *
 * @module
 */
export { ContainersStorageReference, createContainersStorageTransport } from "./reference.ts";
