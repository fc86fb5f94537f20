import { join } from "@std/path";
import type { FileContent } from "../../internal/host/room.ts";
import { type Digest, digestOf, manifestDigest, ManifestsError } from "../../spec/room.ts";
import { isManifestKey } from "../big_data.ts";
import { lockFile, type LockingMode } from "../lock/file_lock.ts";
import { applyNames, assertImageId, idInUse, imageUnknown, listChanged, nameInUse, randomImageId } from "../names.ts";
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
import { ImagesFolder, type RecordChange } from "./images.ts";
import type { RecordSet } from "./record_set.ts";
import { explainIo } from "./io_errors.ts";
import { ContainersLayers } from "./layers/layer_store.ts";
import { bigDataFile, imagesFolder, makeFolders, type StoreLocation } from "./layout.ts";
import { changeRecord, createRecord, digestsOf, type ImageRecord, type StoredRecord } from "./records.ts";

/** The image records of a containers/storage store, shared with podman, buildah and skopeo. */
export class ContainersStorage implements ImageStore {
  readonly location: string;
  readonly identity: string;
  readonly layers: LayerStore;
  readonly expandShortName: ShortNameExpansion | undefined;
  readonly #place: StoreLocation;
  readonly #mode: LockingMode;
  readonly #own: ImagesFolder;
  /** Where records are looked for that are not in `#own`, in this order. */
  readonly #others: readonly ImagesFolder[];
  #made = false;

  constructor(place: StoreLocation, mode: LockingMode, expandShortName?: ShortNameExpansion) {
    const { driver, graphRoot, realRoot, imageStore, additionalImageStores } = place;
    this.location = formatLocation(place);
    this.identity = `${driver}@${realRoot}${imageStore === undefined ? "" : `:${imageStore}`}`;
    this.expandShortName = expandShortName;
    this.layers = new ContainersLayers(place, mode);
    this.#place = place;
    this.#mode = mode;
    this.#own = new ImagesFolder(imagesFolder(imageStore ?? graphRoot, driver), { mode, readOnly: false });
    const additional = additionalImageStores.map((root) =>
      new ImagesFolder(imagesFolder(root, driver), { mode, readOnly: true })
    );
    // With an image store of its own, records in the graph root are still found, and can be deleted.
    this.#others = imageStore === undefined
      ? additional
      : [new ImagesFolder(imagesFolder(graphRoot, driver), { mode, readOnly: false }), ...additional];
  }

  async findImage(nameOrId: string, keys: readonly string[] = []): Promise<ImageWithData | undefined> {
    return await this.#explain(`read image ${JSON.stringify(nameOrId)}`, async () => {
      let ownIds: RecordSet | undefined;
      for (const folder of [this.#own, ...this.#others]) {
        const found = await folder.read(async (set) => {
          ownIds ??= set;
          const stored = set.find(nameOrId);
          // A record that was copied here from an additional store counts with the names that it has here.
          if (!stored || (folder !== this.#own && ownIds.byId(stored.record.id))) return undefined;
          return { image: viewOf(stored.record, folder), data: await readItems(folder, stored.record, keys) };
        });
        if (found) return found;
      }
      return undefined;
    });
  }

  async listImages(): Promise<StoredImage[]> {
    return await this.#explain("list images", async () => {
      const images = new Map<string, StoredImage>();
      for (const folder of [this.#own, ...this.#others]) {
        for (const { record } of await folder.read((set) => set.records)) {
          // As for look-ups, a record that was copied here hides the one that it was copied from.
          if (!images.has(record.id) || folder === this.#own) images.set(record.id, viewOf(record, folder));
        }
      }
      return [...images.values()];
    });
  }

  async createImage({ id, names = [], data }: CreateImageOptions): Promise<StoredImage> {
    if (id !== undefined) assertImageId(id);
    return await this.#change("create image", async (set) => {
      const newId = id ?? freshId(set);
      if (set.byId(newId)) throw idInUse(newId);
      for (const name of names) {
        const owner = set.byName(name);
        if (owner) throw nameInUse(name, owner.record.id);
      }
      const empty: ImageRecord = {
        id: newId,
        names: [...new Set(names)],
        namesHistory: [],
        bigDataNames: [],
        bigDataSizes: new Map(),
        bigDataDigests: new Map(),
        created: now(),
      };
      const stored = createRecord({ ...empty, ...describeItems(empty, data) });
      return {
        set: set.with(newId, stored),
        files: await this.#filesOf(newId, data),
        result: viewOf(stored.record, this.#own),
        undo: () => removeFolder(this.#own, newId),
      };
    });
  }

  async writeBigData(id: string, data: readonly BigData[], options: WriteBigDataOptions = {}): Promise<void> {
    await this.#changeImage("write", id, async (set, stored, read) => {
      requireUnchanged(stored.record, await read(keysOf(options)), options);
      const changed = changeRecord(stored, describeItems(stored.record, data));
      return { set: set.with(id, changed), files: await this.#filesOf(id, data), result: undefined };
    });
  }

  async updateNames(id: string, operation: NamesOperation, names: readonly string[]): Promise<void> {
    await this.#changeImage("name", id, (set, stored) => {
      const wanted = applyNames(stored.record.names, operation, names);
      let changed = set;
      for (const name of wanted) {
        const owner = changed.byName(name);
        if (!owner || owner.record.id === id) continue;
        const left = applyNames(owner.record.names, "remove", [name]);
        changed = changed.with(owner.record.id, changeRecord(owner, { names: left }));
      }
      const namesHistory = wanted.reduce<string[]>(
        (history, name) => [name, ...history.filter((other) => other !== name)],
        [...stored.record.namesHistory],
      );
      return { set: changed.with(id, changeRecord(stored, { names: wanted, namesHistory })), result: undefined };
    });
  }

  async deleteImage(id: string, options: DeleteImageOptions = {}): Promise<void> {
    assertImageId(id);
    const what = `delete image ${JSON.stringify(id)}`;
    let deleted = false;
    for (const folder of [this.#own, ...this.#others.filter(({ readOnly }) => !readOnly)]) {
      deleted = await this.#change(what, async (set) => {
        const stored = set.byId(id);
        if (!stored) return { result: deleted };
        // What a deleted record hid goes with it, or it would be there again.
        if (!deleted) await requireDeletable(stored.record, folder, options);
        // After the record: a crash between the two leaves a folder that nobody looks at.
        return { set: set.with(id, undefined), result: true, after: () => removeFolder(folder, id) };
      }, folder);
    }
    if (deleted) return;
    await this.#refuseReadOnly(id);
    throw imageUnknown(id);
  }

  digestLocker(digest: Digest): Locker {
    const path = join(this.#place.runRoot, `${this.#place.driver}-locks`, digest);
    return {
      name: path,
      lock: ({ signal } = {}) =>
        this.#explain(`lock ${digest}`, async () => {
          const lock = await lockFile(path, { mode: this.#mode, exclusive: true, signal });
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
    folder: ImagesFolder = this.#own,
  ): Promise<T> {
    return await this.#explain(what, async () => {
      if (!this.#made) await makeFolders(this.#place);
      this.#made = true;
      return await folder.write(work);
    });
  }

  /**
   * Changes one record of the store that can be written. One that is only in another store is copied here first, with
   * all that belongs to it, as podman does: the other store stays as it is.
   */
  async #changeImage(verb: string, id: string, work: ImageChange): Promise<void> {
    assertImageId(id);
    const what = `${verb} image ${JSON.stringify(id)}`;
    const change = (copied: CopiedRecord | undefined) =>
      this.#change<boolean>(what, async (set) => {
        const own = set.byId(id);
        if (own) return { ...await work(set, own, (keys) => readItems(this.#own, own.record, keys)), result: true };
        if (!copied) return { result: false };
        const { data } = copied;
        // A name that a record has here stays with it.
        const names = copied.stored.record.names.filter((name) => !set.byName(name));
        const stored = changeRecord(copied.stored, { names });
        const { files = [], ...rest } = await work(set.with(id, stored), stored, () => Promise.resolve(data));
        const items = await this.#filesOf(id, Array.from(data, ([key, bytes]) => ({ key, bytes })));
        const all = new Map([...items, ...files].map((file) => [file.path, file]));
        return { ...rest, files: [...all.values()], result: true, undo: () => removeFolder(this.#own, id) };
      });
    if (await change(undefined)) return;
    // The locks of several stores are never held together.
    const copied = await this.#readOther(id);
    if (!copied || !await change(copied)) throw imageUnknown(id);
  }

  /** Reads a record with all its data from a store that is not written here. */
  async #readOther(id: string): Promise<CopiedRecord | undefined> {
    for (const folder of this.#others) {
      const copied = await folder.read(async (set) => {
        const stored = set.byId(id);
        return stored && { stored, data: await readItems(folder, stored.record, stored.record.bigDataNames) };
      });
      if (copied) return copied;
    }
    return undefined;
  }

  async #refuseReadOnly(id: string): Promise<void> {
    for (const folder of this.#others) {
      if (!await folder.read((set) => set.byId(id))) continue;
      throw new ManifestsError(
        "STORE_READ_ONLY",
        `Cannot delete image ${JSON.stringify(id)}: it is in the additional store ${folder.path}, which is only read`,
      );
    }
  }

  /** The files of big data; their folder is made. */
  async #filesOf(id: string, data: readonly BigData[]): Promise<FileContent[]> {
    const folder = join(this.#own.path, id);
    const files = data.map(({ key, bytes }) => ({ path: join(folder, bigDataFile(key)), content: bytes }));
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    // Whoever writes here holds the lock, as we do: what is half written now will never be finished.
    for await (const { name } of Deno.readDir(folder)) {
      if (name.startsWith(".tmp-")) await Deno.remove(join(folder, name)).catch(ignoreMissing);
    }
    return files;
  }

  async #explain<T>(what: string, work: () => Promise<T>): Promise<T> {
    return await explainIo(`${what} in ${this.location}`, work);
  }
}

/** A record of another store, with all its data. */
interface CopiedRecord {
  readonly stored: StoredRecord;
  readonly data: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** Decides what becomes of a record; `read` reads items of it as they are now. */
type ImageChange = (
  set: RecordSet,
  stored: StoredRecord,
  read: (keys: readonly string[]) => Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>>,
) => Promise<RecordChange<void>> | RecordChange<void>;

/** The store as references name it. Its image store is an additional one for whoever opens it by that name. */
function formatLocation(place: StoreLocation): string {
  const { driver, graphRoot, runRoot, imageStore, additionalImageStores, driverOptions } = place;
  // Options replace those of the configuration.
  const additional = driverOptions.length > 0 ? [] : additionalImageStores;
  const stores = imageStore === undefined ? [] : [imageStore, ...additional];
  const options = [...driverOptions, ...stores.map((root) => `${driver}.imagestore=${root}`)];
  return `[${driver}@${graphRoot}+${runRoot}${options.length > 0 ? `:${options.join(",")}` : ""}]`;
}

function keysOf({ ifUnchanged = new Map() }: WriteBigDataOptions): string[] {
  return [...ifUnchanged.keys()];
}

function requireUnchanged(
  { id }: ImageRecord,
  data: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
  { ifUnchanged = new Map() }: WriteBigDataOptions,
): void {
  for (const [key, digest] of ifUnchanged) {
    const bytes = data.get(key);
    if (digest !== (bytes && digestOf(bytes))) throw listChanged(id);
  }
}

async function requireDeletable(record: ImageRecord, folder: ImagesFolder, options: DeleteImageOptions): Promise<void> {
  requireUnchanged(record, await readItems(folder, record, keysOf(options)), options);
  if (options.ifNames && options.ifNames.join() !== record.names.join()) throw listChanged(record.id);
  if (record.layer === undefined) return;
  throw new ManifestsError(
    "IMAGE_IN_USE",
    `Cannot delete image ${JSON.stringify(record.id)} as it has layers: only lists are deleted here, use podman rmi`,
  );
}

async function removeFolder({ path }: ImagesFolder, id: string): Promise<void> {
  await Deno.remove(join(path, id), { recursive: true }).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

function viewOf(record: ImageRecord, folder: ImagesFolder): StoredImage {
  return {
    id: record.id,
    names: record.names,
    digest: record.digest,
    digests: digestsOf(record),
    topLayer: record.layer,
    bigDataNames: record.bigDataNames,
    metadata: record.metadata,
    created: record.created,
    readOnly: folder.readOnly,
  };
}

async function readItems(
  folder: ImagesFolder,
  record: ImageRecord,
  keys: readonly string[],
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const data = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const key of keys) {
    const bytes = await Deno.readFile(join(folder.path, record.id, bigDataFile(key))).catch(ignoreMissing);
    if (bytes) data.set(key, bytes);
  }
  return data;
}

/** The members of a record that tell of its big data, after some items were written. */
function describeItems(record: ImageRecord, data: readonly BigData[]): Partial<ImageRecord> {
  const names = [...record.bigDataNames];
  const sizes = new Map(record.bigDataSizes);
  const digests = new Map(record.bigDataDigests);
  for (const { key, bytes } of data) {
    if (!names.includes(key)) names.push(key);
    sizes.set(key, bytes.length);
    digests.set(key, isManifestKey(key) ? manifestDigest(bytes) : digestOf(bytes));
  }
  const digest = record.digest ?? [...digests].find(([key]) => isManifestKey(key))?.[1];
  return { digest, bigDataNames: names, bigDataSizes: sizes, bigDataDigests: digests };
}

function freshId(set: RecordSet): string {
  for (;;) {
    const id = randomImageId();
    if (!set.byId(id)) return id;
  }
}

/** The time as Go writes it: RFC 3339 without trailing zeros of a second. */
function now(): string {
  return new Date().toISOString().replace(/\.?0+Z$/, "Z");
}
