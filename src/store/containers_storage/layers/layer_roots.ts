import { exists } from "@std/fs";
import { join } from "@std/path";
import { lockFile, type LockingMode } from "../../lock/file_lock.ts";
import type { StoredLayer } from "../../types.ts";
import { readOrEmpty } from "../io_errors.ts";
import type { StoreLocation } from "../layout.ts";
import { parseLayerRecords } from "./layer_records.ts";

/** Returns the roots below which the layers of a store may be, in order of precedence. */
export function listLayerRoots({ graphRoot, imageStore, additionalImageStores }: StoreLocation): readonly string[] {
  return [graphRoot, ...(imageStore === undefined ? [] : [imageStore]), ...additionalImageStores];
}

/** Returns the folder of the layer records below a root. */
export function layersFolder(root: string, driver: string): string {
  return join(root, `${driver}-layers`);
}

/** A storage driver whose layers this module can read and write. */
export type LayerDriver = "overlay" | "vfs";

/** True if this module can read and write the layers of a storage driver. */
export function isLayerDriver(driver: string): driver is LayerDriver {
  return driver === "overlay" || driver === "vfs";
}

/** Folders that {@linkcode readLayerRecords} reads. */
export interface LayerRecordsPlace {
  /** Folder with `layers.json` and its lock. */
  readonly folder: string;
  /** Second folder that may have volatile records; `undefined` if there is none. */
  readonly volatileFolder?: string | undefined;
  /** Which programs the lock excludes. */
  readonly mode: LockingMode;
}

/**
 * Reads the layers of one root by id, under their shared lock. Of two records with the same id the first one is used.
 */
export async function readLayerRecords(place: LayerRecordsPlace): Promise<Map<string, StoredLayer>> {
  const { folder, volatileFolder, mode } = place;
  const paths = [
    join(folder, "layers.json"),
    join(folder, "volatile-layers.json"),
    ...(volatileFolder === undefined ? [] : [join(volatileFolder, "volatile-layers.json")]),
  ];
  const lockPath = join(folder, "layers.lock");
  // A read-only store may have no lock file, and then nothing can be locked.
  using _lock = await exists(lockPath) ? await lockFile(lockPath, { mode, exclusive: false }) : undefined;
  const layers = new Map<string, StoredLayer>();
  for (const path of paths) {
    for (const layer of parseLayerRecords(await readOrEmpty(path), path)) {
      if (!layers.has(layer.id)) layers.set(layer.id, layer);
    }
  }
  return layers;
}
