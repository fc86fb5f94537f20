import type { LockingMode } from "../lock/file_lock.ts";
import type { ImageStore, ShortNameExpansion } from "../types.ts";
import type { StoreLocation } from "./layout.ts";
import { ContainersStorage } from "./store.ts";

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
