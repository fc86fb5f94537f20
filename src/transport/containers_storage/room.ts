/**
 * The local images of podman and buildah: `containers-storage:`.
 *
 * @module
 */
export {
  type ContainersStorageOptions,
  ContainersStorageReference,
  createContainersStorageTransport,
} from "./reference.ts";
export type { StoreSpec } from "./parse.ts";
