import { ManifestsError } from "../../../spec/room.ts";
import type { LockingMode } from "../../lock/file_lock.ts";
import type { NewImage, StoredImage } from "../../types.ts";
import { createRecordOver, listFreeNames, mergeItems, readRecordOf } from "../copy_up.ts";
import { ImagesFolder } from "../images.ts";
import { imagesFolder, type StoreLocation } from "../layout.ts";
import { changeNames, describeItems, prepareItemFiles } from "../record_changes.ts";
import { updateRecord } from "../records.ts";
import { toStoredImage } from "../stored_image.ts";

/** The records of images with layers. */
export class ImageRecords {
  readonly #folder: ImagesFolder;
  /** Folders whose records a new record of the same id hides. */
  readonly #others: readonly ImagesFolder[];

  /** @param store Store specifier, for messages. */
  constructor(location: StoreLocation, mode: LockingMode, store: string) {
    const { graphRoot, imageStore, additionalImageStores } = location;
    const open = (root: string, readOnly: boolean) =>
      new ImagesFolder(imagesFolder(root, location.driver), { mode, readOnly, store });
    this.#folder = open(imageStore ?? graphRoot, false);
    this.#others = [
      ...(imageStore === undefined ? [] : [open(graphRoot, false)]),
      ...additionalImageStores.map((root) => open(root, true)),
    ];
  }

  /**
   * Creates the record of an image, or replaces the items of the existing one. Its names move from other records. A new
   * record takes over names and items of the record in another store that it hides, as in podman. The caller holds the
   * lock of the layers, so that nobody deletes them before the image uses them.
   *
   * @throws {ManifestsError} With code `ID_IN_USE` if an image with other layers has the id.
   */
  async put(image: NewImage, topLayer: string | undefined): Promise<StoredImage> {
    const { id, items, names, metadata, created } = image;
    // The locks of several folders are never held at the same time, which could deadlock.
    const hidden = await readRecordOf(this.#others, id);
    return await this.#folder.write(async (set) => {
      const before = set.byId(id);
      if (before && before.record.layer !== topLayer) throw differentLayer(id);
      const kept = before ? undefined : hidden;
      const namesBefore = kept ? listFreeNames(kept, set) : [];
      const stored = before ?? createRecordOver(kept, { id, names: namesBefore, layer: topLayer, created });
      const all = mergeItems(kept, items);
      const described = updateRecord(stored, { ...describeItems(stored.record, all), metadata });
      const changed = changeNames(set.with(id, described), described, "add", names);
      return {
        set: changed,
        files: await prepareItemFiles(this.#folder.path, id, all),
        result: toStoredImage(changed.byId(id)!.record, false),
      };
    });
  }
}

function differentLayer(id: string): ManifestsError {
  return new ManifestsError(
    "ID_IN_USE",
    `Cannot create image: image with ID ${
      JSON.stringify(id)
    } already exists, but uses a different top layer: that ID is already in use`,
  );
}
