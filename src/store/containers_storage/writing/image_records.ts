import { ManifestsError } from "../../../spec/room.ts";
import type { LockingMode } from "../../lock/file_lock.ts";
import type { NewImage, StoredImage } from "../../types.ts";
import { ImagesFolder } from "../images.ts";
import { imagesFolder, type StoreLocation } from "../layout.ts";
import { changeNames, describeItems, now, prepareItemFiles } from "../record_changes.ts";
import { createRecord, type StoredRecord, updateRecord } from "../records.ts";
import { toStoredImage } from "../stored_image.ts";

/** The records of images with layers. */
export class ImageRecords {
  readonly #folder: ImagesFolder;

  /** @param store Store specifier, for messages. */
  constructor({ graphRoot, imageStore, driver }: StoreLocation, mode: LockingMode, store: string) {
    this.#folder = new ImagesFolder(imagesFolder(imageStore ?? graphRoot, driver), { mode, readOnly: false, store });
  }

  /**
   * Creates the record of an image, or replaces the items of the existing one. Its names move from other records. The
   * caller holds the lock of the layers, so that nobody deletes them before the image uses them.
   *
   * @throws {ManifestsError} With code `ID_IN_USE` if an image with other layers has the id.
   */
  async put(image: NewImage, topLayer: string | undefined): Promise<StoredImage> {
    const { id, items, names, metadata, created } = image;
    return await this.#folder.write(async (set) => {
      const before = set.byId(id);
      if (before && before.record.layer !== topLayer) throw differentLayer(id);
      const stored = before ?? createImageRecord(id, topLayer, created);
      const described = updateRecord(stored, { ...describeItems(stored.record, items), metadata });
      const changed = changeNames(set.with(id, described), described, "add", names);
      return {
        set: changed,
        files: await prepareItemFiles(this.#folder.path, id, items),
        result: toStoredImage(changed.byId(id)!.record, false),
      };
    });
  }
}

function createImageRecord(id: string, layer: string | undefined, created: string | undefined): StoredRecord {
  return createRecord({
    id,
    names: [],
    namesHistory: [],
    layer,
    bigDataNames: [],
    bigDataSizes: new Map(),
    bigDataDigests: new Map(),
    created: created ?? now(),
  });
}

function differentLayer(id: string): ManifestsError {
  return new ManifestsError(
    "ID_IN_USE",
    `Cannot create image: image with ID ${
      JSON.stringify(id)
    } already exists, but uses a different top layer: that ID is already in use`,
  );
}
