import { localCandidates } from "../../config/room.ts";
import { findStore, loadRegistriesConf, loadShortNameAliases } from "../../config/files/room.ts";
import type { SystemContext } from "../../image/room.ts";
import { type LockingMode, openContainersStorage } from "../../store/containers_storage/room.ts";
import type { ImageStore } from "../../store/room.ts";

/** Options for {@linkcode openStore}. */
export interface OpenStoreOptions {
  /** Root of what lasts; default: as `storage.conf` or the real tools say. Podman's `--root`. */
  root?: string | undefined;
  /** Root of what a reboot may forget; default: as `storage.conf` or the real tools say. Podman's `--runroot`. */
  runRoot?: string | undefined;
  /** Storage driver; default: as `storage.conf` says, or as the store has it. Podman's `--storage-driver`. */
  driver?: string | undefined;
  /**
   * Driver options, as `overlay.mountopt=nodev`; default: `STORAGE_OPTS`, else those of `storage.conf`. `imagestore` and
   * `additionalimagestore` name stores that are only read. Podman's `--storage-opt`.
   */
  driverOptions?: readonly string[] | undefined;
  /**
   * Root of the image records, where it is not `root`; default: `imagestore` of `storage.conf`. New records are written
   * there. Podman's `--imagestore`.
   */
  imageStore?: string | undefined;
  /**
   * Whom the store's locks exclude: everybody, or only other Deno processes (for stores that no other tool uses).
   * `shared` needs `--allow-ffi` for writing.
   *
   * @default {"shared"}
   */
  locking?: LockingMode | undefined;
  /** Where `registries.conf` is, which says what short names mean; default: where the real tools have it. */
  systemContext?: SystemContext | undefined;
}

/**
 * Opens the image store that podman, buildah and skopeo use. Nothing is made until something is saved.
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
