import type { LockingMode } from "../lock/file_lock.ts";
import type { ImageStore, ImageWriter, ShortNameExpansion, StoredImage } from "../types.ts";
import type { StoreLocation } from "./layout.ts";
import { ContainersStorage, formatLocation } from "./store.ts";

/**
 * Opens the store at a location. Nothing is read or created until the store is used.
 *
 * @param mode Which programs the locks exclude. Default: `shared`.
 * @param expandShortName See {@linkcode ImageStore.expandShortName}.
 */
export function openContainersStorage(
  location: StoreLocation,
  mode: LockingMode = "shared",
  expandShortName?: ShortNameExpansion,
): ImageStore {
  return new ContainersStorage(location, mode, expandShortName);
}

/** Options for {@linkcode openImageWriter}. */
export interface OpenImageWriterOptions {
  /** Which programs the locks exclude. Default: `shared`. */
  readonly mode?: LockingMode | undefined;
  /** Folder for large temporary files. Default: that of the system. */
  readonly temporaryFolder?: string | undefined;
}

/**
 * Opens a store for writing one image with its layers. The code for that, and the functions of libc that it needs, are
 * loaded now.
 *
 * @throws {ManifestsError} With code `STORE_READ_ONLY` if layers of this driver or with its options are not supported, or
 * if this process may not unpack them; `LOCK_UNAVAILABLE` without `--allow-ffi`.
 */
export async function openImageWriter(
  location: StoreLocation,
  { mode = "shared", temporaryFolder }: OpenImageWriterOptions = {},
): Promise<ImageWriter> {
  const { findRules } = await import("./unpack/rules.ts");
  const { StorageImageWriter } = await import("./writing/image_writer.ts");
  const name = formatLocation(location);
  return new StorageImageWriter({ location, name, mode, temporaryFolder, rules: await findRules(location, name) });
}

/**
 * Deletes an image with its names, and the layers that nothing else uses.
 *
 * @param image The image, and the names that it must have.
 * @param mode Which programs the locks exclude. Default: `shared`.
 * @throws {ManifestsError} With code `IMAGE_UNKNOWN`; `CONFLICT` if it has other names; `IMAGE_IN_USE` if a
 * container uses it; `STORE_READ_ONLY` without the rights of root, or if layers of this driver are not supported;
 * `LOCK_UNAVAILABLE` without `--allow-ffi`.
 */
export async function deleteImageWithLayers(
  location: StoreLocation,
  image: Pick<StoredImage, "id" | "names">,
  mode: LockingMode = "shared",
): Promise<void> {
  const { deleteStorageImage } = await import("./writing/delete_image.ts");
  await deleteStorageImage(image, { location, name: formatLocation(location), mode });
}
