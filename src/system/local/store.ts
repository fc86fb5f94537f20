import { localCandidates } from "../../config/room.ts";
import { findStore, loadRegistriesConf, loadShortNameAliases } from "../../config/files/room.ts";
import type { SystemContext } from "../../image/room.ts";
import {
  deleteImageWithLayers,
  type LockingMode,
  openContainersStorage,
  openImageWriter,
} from "../../store/containers_storage/room.ts";
import type { ImageStore, ImageWriter, StoredImage } from "../../store/room.ts";

/** Options for {@linkcode openStore}. */
export interface OpenStoreOptions {
  /** Root folder of persistent data. Default: that of `storage.conf`, else podman's default. Podman's `--root`. */
  root?: string | undefined;
  /** Root folder of temporary data. Default: that of `storage.conf`, else podman's default. Podman's `--runroot`. */
  runRoot?: string | undefined;
  /** Storage driver. Default: that of `storage.conf`, else that of the store. Podman's `--storage-driver`. */
  driver?: string | undefined;
  /**
   * Driver options, such as `overlay.mountopt=nodev`. Default: `STORAGE_OPTS`, else those of `storage.conf`. `imagestore`
   * and `additionalimagestore` name stores that are only read. Podman's `--storage-opt`.
   */
  driverOptions?: readonly string[] | undefined;
  /**
   * Root folder of the image records, to which new records are written. Default: `imagestore` of `storage.conf`, else
   * `root`. Podman's `--imagestore`.
   */
  imageStore?: string | undefined;
  /**
   * Processes that the store's locks exclude: `shared` excludes all, and needs `--allow-ffi` for writing; `deno-only`
   * excludes only other Deno processes, for stores that no other tool uses.
   *
   * @default {"shared"}
   */
  locking?: LockingMode | undefined;
  /** Path of `registries.conf`, which resolves short names. Default: the paths that podman and buildah use. */
  systemContext?: SystemContext | undefined;
}

/**
 * Opens the image store that podman, buildah and skopeo use. Nothing is created until something is saved.
 *
 * @throws {ManifestsError} With code `CONFIG_FILE_INVALID` or `CONFIG_FILE_UNREADABLE`.
 *
 * @example
 * ```ts
 * import { create, openStore } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * const folder = await Deno.makeTempDir();
 * await using store = await openStore({ root: `${folder}/root`, runRoot: `${folder}/run`, driver: "vfs" });
 * const imageId = await create().saveToImage(store, { names: ["app"] });
 * assert.equal((await store.findImage("localhost/app:latest"))?.image.id, imageId);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function openStore(options: OpenStoreOptions = {}): Promise<ImageStore> {
  const { locking, systemContext } = options;
  return openContainersStorage(
    await findStore(options),
    locking,
    async (name) =>
      localCandidates(await loadRegistriesConf(systemContext), name, await loadShortNameAliases(systemContext)).map(
        String,
      ),
  );
}

/**
 * Opens a store for writing one image.
 *
 * @param temporaryFolder Folder for large temporary files. Default: that of the system.
 */
export async function openStoreForImage(
  options: OpenStoreOptions,
  temporaryFolder: string | undefined,
): Promise<ImageWriter> {
  return await openImageWriter(await findStore(options), { mode: options.locking, temporaryFolder });
}

/** Deletes an image of a store, if it has exactly these names, with the layers that nothing else uses. */
export async function deleteStoredImage(
  options: OpenStoreOptions,
  image: Pick<StoredImage, "id" | "names">,
): Promise<void> {
  await deleteImageWithLayers(await findStore(options), image, options.locking);
}
