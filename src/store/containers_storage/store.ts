import { join } from "@std/path";
import { type Digest, digestOf, ManifestsError } from "../../spec/room.ts";
import { lockFile, type LockingMode } from "../lock/file_lock.ts";
import { assertImageId, idInUse, imageUnknown, listChanged, nameInUse, randomImageId } from "../names.ts";
import type {
  BigData,
  CreateImageOptions,
  DeleteImageOptions,
  ImageStore,
  ImageWithData,
  LayerStore,
  Locker,
  NamesOperation,
  ShortNameExpansion,
  StoredImage,
  WriteBigDataOptions,
} from "../types.ts";
import { type CopiedRecord, createRecordOver, listFreeNames, mergeItems, readItems, readRecordOf } from "./copy_up.ts";
import { ImagesFolder, type RecordChange } from "./images.ts";
import { changeNames, describeItems, prepareItemFiles } from "./record_changes.ts";
import { toStoredImage } from "./stored_image.ts";
import type { RecordSet } from "./record_set.ts";
import { explainIo, ignoreMissing } from "./io_errors.ts";
import { ContainersLayers } from "./layers/layer_store.ts";
import { imagesFolder, makeFolders, type StoreLocation } from "./layout.ts";
import { type ImageRecord, type StoredRecord, updateRecord } from "./records.ts";

/** The image records of a containers/storage store, which podman, buildah and skopeo use too. */
export class ContainersStorage implements ImageStore {
  readonly location: string;
  readonly identity: string;
  readonly layers: LayerStore;
  readonly expandShortName: ShortNameExpansion | undefined;
  readonly #place: StoreLocation;
  readonly #mode: LockingMode;
  readonly #main: ImagesFolder;
  /** Folders in which records are looked up after `#main`, in this order. */
  readonly #others: readonly ImagesFolder[];
  #foldersExist = false;

  constructor(place: StoreLocation, mode: LockingMode, expandShortName?: ShortNameExpansion) {
    const { driver, graphRoot, realRoot, imageStore, additionalImageStores } = place;
    const store = this.location = formatLocation(place);
    this.identity = `${driver}@${realRoot}${imageStore === undefined ? "" : `:${imageStore}`}`;
    this.expandShortName = expandShortName;
    this.layers = new ContainersLayers(place, mode);
    this.#place = place;
    this.#mode = mode;
    this.#main = new ImagesFolder(imagesFolder(imageStore ?? graphRoot, driver), { mode, store, readOnly: false });
    const additional = additionalImageStores.map((root) =>
      new ImagesFolder(imagesFolder(root, driver), { mode, store, readOnly: true })
    );
    // With a separate image store, records in the graph root are still found, and can be deleted.
    this.#others = imageStore === undefined
      ? additional
      : [new ImagesFolder(imagesFolder(graphRoot, driver), { mode, store, readOnly: false }), ...additional];
  }

  async findImage(nameOrId: string, keys: readonly string[] = []): Promise<ImageWithData | undefined> {
    return await this.#explain(`read image ${JSON.stringify(nameOrId)}`, async () => {
      let mainSet: RecordSet | undefined;
      for (const folder of [this.#main, ...this.#others]) {
        const found = await folder.read(async (set) => {
          mainSet ??= set;
          const stored = set.find(nameOrId);
          // A record that was copied to the main folder hides its original, which may have other names.
          if (!stored || (folder !== this.#main && mainSet.byId(stored.record.id))) return undefined;
          return {
            image: toStoredImage(stored.record, folder.readOnly),
            data: await readItems(folder, stored.record, keys),
          };
        });
        if (found) return found;
      }
      return undefined;
    });
  }

  async listImages(): Promise<StoredImage[]> {
    return await this.#explain("list images", async () => {
      const images = new Map<string, StoredImage>();
      for (const folder of [this.#main, ...this.#others]) {
        for (const { record } of await folder.read((set) => set.records)) {
          // A record that was copied to the main folder hides its original, as in look-ups.
          if (!images.has(record.id) || folder === this.#main) {
            images.set(record.id, toStoredImage(record, folder.readOnly));
          }
        }
      }
      return [...images.values()];
    });
  }

  async createImage({ id, names = [], data }: CreateImageOptions): Promise<StoredImage> {
    if (id !== undefined) assertImageId(id);
    return await this.#explain("create image", async () => {
      // The locks of several folders are never held at the same time, which could deadlock.
      const hidden = id === undefined ? undefined : await readRecordOf(this.#others, id);
      return await this.#change("create image", async (set) => {
        const newId = id ?? createUnusedId(set);
        if (set.byId(newId)) throw idInUse(newId);
        for (const name of names) {
          const owner = set.byName(name);
          if (owner) throw nameInUse(name, owner.record.id);
        }
        const items = mergeItems(hidden, data);
        const { layer } = hidden?.stored.record ?? {};
        const empty = createRecordOver(hidden, { id: newId, names: [...new Set(names)], layer });
        const described = updateRecord(empty, describeItems(empty.record, items));
        const all = set.with(newId, described);
        const kept = hidden ? changeNames(all, described, "add", [...listFreeNames(hidden, set), ...names]) : all;
        return {
          set: kept,
          files: await prepareItemFiles(this.#main.path, newId, items),
          result: toStoredImage(kept.byId(newId)!.record, false),
          undo: () => removeFolder(this.#main, newId),
        };
      });
    });
  }

  async writeBigData(id: string, data: readonly BigData[], options: WriteBigDataOptions = {}): Promise<void> {
    await this.#changeImage("write", id, async (set, stored, read) => {
      assertUnchanged(stored.record, await read(listKeys(options)), options);
      const changed = updateRecord(stored, describeItems(stored.record, data));
      return {
        set: set.with(id, changed),
        files: await prepareItemFiles(this.#main.path, id, data),
        result: undefined,
      };
    });
  }

  async updateNames(id: string, operation: NamesOperation, names: readonly string[]): Promise<void> {
    await this.#changeImage("name", id, (set, stored) => {
      return { set: changeNames(set, stored, operation, names), result: undefined };
    });
  }

  async deleteImage(id: string, options: DeleteImageOptions = {}): Promise<void> {
    assertImageId(id);
    const what = `delete image ${JSON.stringify(id)}`;
    let deleted = false;
    for (const folder of [this.#main, ...this.#others.filter(({ readOnly }) => !readOnly)]) {
      deleted = await this.#change(what, async (set) => {
        const stored = set.byId(id);
        if (!stored) return { result: deleted };
        // An original that the deleted record hid is deleted too, or the image would reappear.
        if (!deleted) await assertDeletable(stored.record, folder, options);
        // The folder is removed after the record, so a crash in between only leaves a folder that no record names.
        return { set: set.with(id, undefined), result: true, after: () => removeFolder(folder, id) };
      }, folder);
    }
    if (deleted) return;
    await this.#assertNotReadOnly(id);
    throw imageUnknown(id);
  }

  digestLocker(digest: Digest): Locker {
    const path = join(this.#place.runRoot, `${this.#place.driver}-locks`, digest);
    return {
      name: path,
      lock: ({ signal } = {}) =>
        this.#explain(`lock ${digest}`, async () => {
          const lock = await lockFile(path, { mode: this.#mode, exclusive: true, store: this.location, signal });
          return { [Symbol.asyncDispose]: () => Promise.resolve(lock[Symbol.dispose]()) };
        }),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async #change<T>(
    what: string,
    work: (set: RecordSet) => Promise<RecordChange<T>>,
    folder: ImagesFolder = this.#main,
  ): Promise<T> {
    return await this.#explain(what, async () => {
      if (!this.#foldersExist) await makeFolders(this.#place);
      this.#foldersExist = true;
      return await folder.write(work);
    });
  }

  /**
   * Changes one record in the main folder. A record that is only in another folder is first copied with all its data,
   * as podman does; the original is not changed.
   */
  async #changeImage(verb: string, id: string, work: ImageChange): Promise<void> {
    assertImageId(id);
    const what = `${verb} image ${JSON.stringify(id)}`;
    const change = (copied: CopiedRecord | undefined) =>
      this.#change<boolean>(what, async (set) => {
        const stored = set.byId(id);
        if (stored) {
          return { ...await work(set, stored, (keys) => readItems(this.#main, stored.record, keys)), result: true };
        }
        return copied ? await this.#changeCopy(id, set, copied, work) : { result: false };
      });
    if (await change(undefined)) return;
    // The locks of several folders are never held at the same time, which could deadlock.
    const copied = await readRecordOf(this.#others, id);
    if (!copied || !await change(copied)) throw imageUnknown(id);
  }

  /** Changes a record that is copied to the main folder. */
  async #changeCopy(
    id: string,
    set: RecordSet,
    copied: CopiedRecord,
    work: ImageChange,
  ): Promise<RecordChange<boolean>> {
    const { data } = copied;
    const stored = updateRecord(copied.stored, { names: listFreeNames(copied, set) });
    const { files = [], ...rest } = await work(set.with(id, stored), stored, () => Promise.resolve(data));
    const items = await prepareItemFiles(this.#main.path, id, Array.from(data, ([key, bytes]) => ({ key, bytes })));
    const all = new Map([...items, ...files].map((file) => [file.path, file]));
    return { ...rest, files: [...all.values()], result: true, undo: () => removeFolder(this.#main, id) };
  }

  async #assertNotReadOnly(id: string): Promise<void> {
    for (const folder of this.#others) {
      if (!await folder.read((set) => set.byId(id))) continue;
      throw new ManifestsError(
        "STORE_READ_ONLY",
        `Cannot delete image ${JSON.stringify(id)}: it is in the additional store ${folder.path}, which is read-only`,
      );
    }
  }

  async #explain<T>(what: string, work: () => Promise<T>): Promise<T> {
    return await explainIo(`${what} in ${this.location}`, work);
  }
}

/** Decides how a record changes. `read` returns the current content of its items. */
type ImageChange = (
  set: RecordSet,
  stored: StoredRecord,
  read: (keys: readonly string[]) => Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>>,
) => Promise<RecordChange<void>> | RecordChange<void>;

/**
 * Returns the store specifier. Its image store is listed as additional, so that opening it by this text finds the
 * images.
 */
export function formatLocation(place: StoreLocation): string {
  const { driver, graphRoot, runRoot, imageStore, additionalImageStores, driverOptions } = place;
  // Driver options in a specifier replace those of the configuration, which includes the additional stores.
  const additional = driverOptions.length > 0 ? [] : additionalImageStores;
  const stores = imageStore === undefined ? [] : [imageStore, ...additional];
  const options = [...driverOptions, ...stores.map((root) => `${driver}.imagestore=${root}`)];
  return `[${driver}@${graphRoot}+${runRoot}${options.length > 0 ? `:${options.join(",")}` : ""}]`;
}

function listKeys({ ifUnchanged = new Map() }: WriteBigDataOptions): string[] {
  return [...ifUnchanged.keys()];
}

function assertUnchanged(
  { id }: ImageRecord,
  data: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
  { ifUnchanged = new Map() }: WriteBigDataOptions,
): void {
  for (const [key, digest] of ifUnchanged) {
    const bytes = data.get(key);
    if (digest !== (bytes && digestOf(bytes))) throw listChanged(id);
  }
}

async function assertDeletable(record: ImageRecord, folder: ImagesFolder, options: DeleteImageOptions): Promise<void> {
  assertUnchanged(record, await readItems(folder, record, listKeys(options)), options);
  if (options.ifNames && options.ifNames.join() !== record.names.join()) throw listChanged(record.id);
  if (record.layer === undefined) return;
  throw new ManifestsError(
    "IMAGE_IN_USE",
    `Cannot delete image ${
      JSON.stringify(record.id)
    }: it has layers, and only lists are deleted here: use deleteImage() ` +
      "or manifests delete containers-storage:…",
  );
}

async function removeFolder({ path }: ImagesFolder, id: string): Promise<void> {
  await Deno.remove(join(path, id), { recursive: true }).catch(ignoreMissing);
}

function createUnusedId(set: RecordSet): string {
  for (;;) {
    const id = randomImageId();
    if (!set.byId(id)) return id;
  }
}
