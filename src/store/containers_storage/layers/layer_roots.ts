import { exists } from "@std/fs";
import { join } from "@std/path";
import { lockFile, type LockingMode } from "../../lock/file_lock.ts";
import type { StoredLayer } from "../../types.ts";
import type { StoreLocation } from "../layout.ts";
import { parseLayerRecords } from "./layer_records.ts";

/** The roots below which a store's layers may be, those that count first in front. */
export function layerRoots({ graphRoot, imageStore, additionalImageStores }: StoreLocation): readonly string[] {
  return [graphRoot, ...(imageStore === undefined ? [] : [imageStore]), ...additionalImageStores];
}

/** The folder of a root's layer records. */
export function layersFolder(root: string, driver: string): string {
  return join(root, `${driver}-layers`);
}

/** What {@linkcode readLayerRecords} reads. */
export interface LayerRecordsPlace {
  /** The folder with `layers.json` and its lock. */
  readonly folder: string;
  /** A second folder that may have volatile records of the same layers, where there is one. */
  readonly volatileFolder?: string | undefined;
  /** Whom the lock excludes. */
  readonly mode: LockingMode;
}

/** Reads the layers of one root by id, while nobody can write them. Of two records with one id the first counts. */
export async function readLayerRecords(place: LayerRecordsPlace): Promise<Map<string, StoredLayer>> {
  const { folder, volatileFolder, mode } = place;
  const paths = [
    join(folder, "layers.json"),
    join(folder, "volatile-layers.json"),
    ...(volatileFolder === undefined ? [] : [join(volatileFolder, "volatile-layers.json")]),
  ];
  const lockPath = join(folder, "layers.lock");
  // Nothing can be locked where there is no lock file, and a store that is only read need not have one.
  using _lock = await exists(lockPath) ? await lockFile(lockPath, { mode, exclusive: false }) : undefined;
  const layers = new Map<string, StoredLayer>();
  for (const path of paths) {
    for (const layer of parseLayerRecords(await readOrEmpty(path), path)) {
      if (!layers.has(layer.id)) layers.set(layer.id, layer);
    }
  }
  return layers;
}

async function readOrEmpty(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Uint8Array();
    throw error;
  }
}
