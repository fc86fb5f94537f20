import { join } from "@std/path";
import { isObject, parseJson } from "../../../json/room.ts";
import { ManifestsError } from "../../../spec/room.ts";
import { lockFile, type LockingMode } from "../../lock/file_lock.ts";
import { imageUnknown } from "../../names.ts";
import type { StoredImage } from "../../types.ts";
import { explainIo, readOrEmpty } from "../io_errors.ts";
import { ImagesFolder } from "../images.ts";
import { isLayerDriver, layersFolder } from "../layers/layer_roots.ts";
import { imagesFolder, type StoreLocation } from "../layout.ts";
import type { RecordSet } from "../record_set.ts";
import { readWhole } from "../unpack/libc.ts";
import { removePath } from "../unpack/remove_path.ts";
import { findRights } from "../unpack/rights.ts";
import { LayerPlaces } from "./layer_places.ts";
import { type LayerRecord, markIncomplete, readLayersFile, saveLayersFile } from "./layers_file.ts";

/** Options for {@linkcode deleteStorageImage}. */
export interface DeleteImageContext {
  /** Root folders, driver and options of the store. */
  readonly location: StoreLocation;
  /** Store specifier, as in `[vfs@/root+/run]`, for messages. */
  readonly name: string;
  /** Which programs the locks exclude. */
  readonly mode: LockingMode;
}

/**
 * Deletes an image with all its names, and the layers that nothing else uses. The record is deleted first: a crash
 * afterwards leaves layers without an image, which the next image with them uses.
 *
 * @param image The image, and the names that it must have.
 * @throws {ManifestsError} With code `IMAGE_UNKNOWN`; `CONFLICT` if it has other names; `IMAGE_IN_USE` if a container
 * uses it; `STORE_READ_ONLY` without the rights of root, or if layers of this driver are not supported.
 */
export async function deleteStorageImage(
  { id, names }: Pick<StoredImage, "id" | "names">,
  context: DeleteImageContext,
): Promise<void> {
  const { location, name, mode } = context;
  const { graphRoot, imageStore, driver } = location;
  if (!isLayerDriver(driver)) throw driverUnsupported(id, driver);
  findRights(name);
  const places = new LayerPlaces(location, driver);
  await explainIo(`delete image ${JSON.stringify(id)} in ${name}`, async () => {
    const lock = (folder: string) => lockFile(join(folder, "layers.lock"), { mode, exclusive: true, store: name });
    // With a separate image store, other tools take the lock of the root first.
    using _rootLock = imageStore === undefined ? undefined : await lock(layersFolder(graphRoot, driver));
    using layersLock = await lock(places.recordsFolder);
    const folder = new ImagesFolder(imagesFolder(imageStore ?? graphRoot, driver), {
      mode,
      readOnly: false,
      store: name,
    });
    const { kept, top } = await folder.write(async (set) => {
      const stored = set.byId(id);
      if (!stored) throw imageUnknown(id);
      if (stored.record.names.join() !== names.join()) throw namesChanged(id);
      await assertUnused(id, context);
      const kept = set.with(id, undefined);
      // Copies of layers for user namespaces belong to the image.
      const mapped = readTexts(stored.text, "mapped-layers");
      return {
        set: kept,
        result: { kept, top: [stored.record.layer, ...mapped] },
        after: () => Promise.resolve(removePath(join(folder.path, id))),
      };
    });
    await deleteLayers(top.filter((layer) => layer !== undefined), { places, lock: layersLock.file, kept, context });
  });
}

/** Deletes layers, and then the layers below them, as long as nothing else uses them. */
async function deleteLayers(
  tops: readonly string[],
  { places, lock, kept, context }: {
    places: LayerPlaces;
    lock: Deno.FsFile;
    kept: RecordSet;
    context: DeleteImageContext;
  },
): Promise<void> {
  let records: readonly LayerRecord[] = await readLayersFile(places.recordsFolder);
  const used = new Set([...listImageLayers(kept), ...await listContainerMembers("layer", context)]);
  const mounts = readWhole("/proc/self/mountinfo");
  for (const top of tops) {
    for (let id: string | undefined = top; id !== undefined;) {
      const record = records.find((layer) => layer.id === id);
      const isUsed = used.has(id) || records.some(({ parent }) => parent === id);
      if (!record || isUsed || mounts.includes(`/${id}/merged `)) break;
      const save = () => saveLayersFile(places.recordsFolder, lock, records);
      // After a crash, the next writer deletes the rest of an incomplete layer.
      records = records.map((layer) => layer === record ? markIncomplete(layer) : layer);
      await save();
      await places.remove(id);
      records = records.filter((layer) => layer.id !== id);
      await save();
      id = record.parent;
    }
  }
}

function listImageLayers(set: RecordSet): string[] {
  return set.records.flatMap(({ record: { layer }, text }) => [
    ...layer === undefined ? [] : [layer],
    ...readTexts(text, "mapped-layers"),
  ]);
}

/** Reads a list of texts of a record. */
function readTexts(text: string, member: string): string[] {
  const value: unknown = JSON.parse(text);
  const found = isObject(value) ? value[member] : undefined;
  return Array.isArray(found) ? found.filter((item) => typeof item === "string") : [];
}

async function assertUnused(id: string, context: DeleteImageContext): Promise<void> {
  if (!(await listContainerMembers("image", context)).includes(id)) return;
  throw new ManifestsError(
    "IMAGE_IN_USE",
    `Cannot delete image ${JSON.stringify(id)}: a container uses it: remove the container first`,
  );
}

function driverUnsupported(id: string, driver: string): ManifestsError {
  return new ManifestsError(
    "STORE_READ_ONLY",
    `Cannot delete image ${JSON.stringify(id)}: layers of storage driver ${
      JSON.stringify(driver)
    } are not supported: use podman rmi`,
  );
}

function namesChanged(id: string): ManifestsError {
  return new ManifestsError(
    "CONFLICT",
    `Cannot delete image ${JSON.stringify(id)}: another program changed its names: try again`,
  );
}

/** Returns the images or the layers that containers use. */
async function listContainerMembers(
  member: "image" | "layer",
  { location: { graphRoot, runRoot, driver }, name, mode }: DeleteImageContext,
): Promise<string[]> {
  const folder = join(graphRoot, `${driver}-containers`);
  using _lock = await lockFile(join(folder, "containers.lock"), { mode, exclusive: true, store: name });
  const members: string[] = [];
  for (
    const path of [
      join(folder, "containers.json"),
      join(folder, "volatile-containers.json"),
      join(runRoot, `${driver}-containers`, "volatile-containers.json"),
    ]
  ) {
    const bytes = await readOrEmpty(path);
    const { value } = bytes.length === 0 ? { value: [] } : parseJson(bytes, path);
    for (const item of Array.isArray(value) ? value : []) {
      const found = isObject(item) ? item[member] : undefined;
      if (typeof found === "string") members.push(found);
    }
  }
  return members;
}
