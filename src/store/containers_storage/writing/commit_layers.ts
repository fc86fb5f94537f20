import { removeDeadStagings } from "./staging.ts";
import type { LayerPlaces, PlacedLayer } from "./layer_places.ts";
import { createLayerRecord, type LayerRecord, type NewLayer, readLayersFile, saveLayersFile } from "./layers_file.ts";

/** A layer that was unpacked, ready to be put into its place. */
export interface StagedLayer extends PlacedLayer {
  /** Digests, sizes and owners for its record. */
  readonly content: NonNullable<NewLayer["content"]>;
}

/** Options for {@linkcode commitLayers}. */
export interface CommitOptions {
  /** Ids of all layers of the image, the lowest first. */
  readonly chain: readonly string[];
  /** Layers that were unpacked, by id. */
  readonly staged: ReadonlyMap<string, StagedLayer>;
  /** Time of creation of the records. */
  readonly created: string;
}

/**
 * Puts layers into the store: first their records, marked as incomplete, then their files, then the complete records. A
 * crash in between leaves incomplete layers, which the next writer deletes. Layers that another program stored in the
 * meantime are used. The caller holds the exclusive lock of the records, whose file is `lock`.
 *
 * @returns Whether the store has all layers; `false`: one was deleted that was not unpacked again.
 */
export async function commitLayers(
  places: LayerPlaces,
  lock: Deno.FsFile,
  { chain, staged, created }: CommitOptions,
): Promise<boolean> {
  await places.removeDeadFiles();
  await removeDeadStagings(places.driverFolder);
  const records = await removeIncomplete(places, lock, await readLayersFile(places.recordsFolder));
  const known = new Set(records.map(({ id }) => id));
  const missing = chain.filter((id) => !known.has(id));
  const layers = missing.map((id) => staged.get(id));
  if (!layers.every((layer) => layer !== undefined)) return false;
  if (layers.length === 0) return true;
  const save = (added: readonly LayerRecord[]) => saveLayersFile(places.recordsFolder, lock, [...records, ...added]);
  const toRecord = (layer: StagedLayer, content: NewLayer["content"]) =>
    createLayerRecord({ id: layer.id, parent: layer.ancestors[0], created, content });
  await save(layers.map((layer) => toRecord(layer, undefined)));
  try {
    for (const layer of layers) {
      // Files of a layer without a record would become part of it.
      await places.remove(layer.id);
      await places.place(layer);
    }
    await save(layers.map((layer) => toRecord(layer, layer.content)));
  } catch (error) {
    await undo(places, layers, () => save([])).catch(() => {});
    throw error;
  }
  return true;
}

/** Deletes the layers that programs were writing when they were stopped. Returns the other records. */
async function removeIncomplete(
  places: LayerPlaces,
  lock: Deno.FsFile,
  records: readonly LayerRecord[],
): Promise<readonly LayerRecord[]> {
  const kept = records.filter(({ isIncomplete }) => !isIncomplete);
  if (kept.length === records.length) return records;
  // Files first: after a crash, the records still say what must be deleted.
  for (const { id } of records.filter(({ isIncomplete }) => isIncomplete)) await places.remove(id);
  await saveLayersFile(places.recordsFolder, lock, kept);
  return kept;
}

async function undo(
  places: LayerPlaces,
  layers: readonly StagedLayer[],
  saveWithout: () => Promise<void>,
): Promise<void> {
  for (const { id } of layers) await places.remove(id);
  await saveWithout();
}
