/**
 * Stores on disk that podman, buildah and skopeo use too. Bound to a host with a disk.
 *
 * @module
 */
export type { LockingMode } from "../lock/file_lock.ts";
export { deleteImageWithLayers, openContainersStorage, openImageWriter } from "./open.ts";
