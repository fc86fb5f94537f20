import { join } from "@std/path";
import type { FileContent } from "../../internal/host/room.ts";
import { type Digest, digestOf, isManifestsError, manifestDigest, ManifestsError } from "../../spec/room.ts";
import { lockFile, type LockingMode } from "../lock/file_lock.ts";
import { applyNames, idInUse, imageUnknown, listChanged, nameInUse, randomImageId, requireImageId } from "../names.ts";
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
import { ImagesFolder, type RecordChange, type RecordSet } from "./images.ts";
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
  readonly #additional: readonly ImagesFolder[];
  #made = false;

  constructor(place: StoreLocation, mode: LockingMode, expandShortName?: ShortNameExpansion) {
    const { driver, graphRoot, runRoot, imageStore, additionalImageStores, driverOptions } = place;
    const options = driverOptions.length > 0 ? `:${driverOptions.join(",")}` : "";
    this.location = `[${driver}@${graphRoot}+${runRoot}${options}]`;
    this.identity = `${driver}@${place.realRoot}`;
    this.expandShortName = expandShortName;
    this.layers = new ContainersLayers(place, mode);
    this.#place = place;
    this.#mode = mode;
    this.#own = new ImagesFolder(imagesFolder(imageStore ?? graphRoot, driver), { mode, readOnly: false });
    // With an image store of its own, records in the graph root are still found, after those.
    const others = imageStore === undefined ? additionalImageStores : [graphRoot, ...additionalImageStores];
    this.#additional = others.map((root) => new ImagesFolder(imagesFolder(root, driver), { mode, readOnly: true }));
  }

  async findImage(nameOrId: string, keys: readonly string[] = []): Promise<ImageWithData | undefined> {
    return await this.#explain(`read image ${JSON.stringify(nameOrId)}`, async () => {
      let ownIds: RecordSet | undefined;
      for (const folder of [this.#own, ...this.#additional]) {
        const found = await folder.read(async (set) => {
          ownIds ??= set;
          const stored = set.find(nameOrId);
          // A record that was copied here from an additional store counts with the names that it has here.
          if (!stored || (folder.readOnly && ownIds.byId(stored.record.id))) return undefined;
          return { image: viewOf(stored.record, folder), data: await readItems(folder, stored.record, keys) };
        });
        if (found) return found;
      }
      return undefined;
    });
  }

  async listImages(): Promise<StoredImage[]> {
    return await this.#explain("list images", async () => {
      const images: StoredImage[] = [];
      for (const folder of [this.#own, ...this.#additional]) {
        images.push(...await folder.read((set) => set.records.map(({ record }) => viewOf(record, folder))));
      }
      return images;
    });
  }

  async createImage({ id, names = [], data }: CreateImageOptions): Promise<StoredImage> {
    if (id !== undefined) requireImageId(id);
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
        undo: () => this.#removeFolder(newId),
      };
    });
  }

  async writeBigData(id: string, data: readonly BigData[], options: WriteBigDataOptions = {}): Promise<void> {
    await this.#changeImage("write", id, async (set, stored) => {
      await this.#requireUnchanged(stored.record, options);
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
    await this.#changeImage("delete", id, async (set, { record }) => {
      await this.#requireUnchanged(record, options);
      if (options.ifNames && options.ifNames.join() !== record.names.join()) throw listChanged(id);
      if (record.layer !== undefined) {
        throw new ManifestsError(
          "IMAGE_IN_USE",
          `Cannot delete image ${JSON.stringify(id)} as it has layers: only lists are deleted here, use podman rmi`,
        );
      }
      // After the record: a crash between the two leaves a folder that nobody looks at.
      return { set: set.with(id, undefined), result: undefined, after: () => this.#removeFolder(id) };
    });
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

  async #change<T>(what: string, work: (set: RecordSet) => Promise<RecordChange<T>>): Promise<T> {
    return await this.#explain(what, async () => {
      if (!this.#made) await makeFolders(this.#place);
      this.#made = true;
      return await this.#own.write(work);
    });
  }

  /** Changes one record of the store that can be written. */
  async #changeImage(
    verb: string,
    id: string,
    work: (set: RecordSet, stored: StoredRecord) => Promise<RecordChange<void>> | RecordChange<void>,
  ): Promise<void> {
    requireImageId(id);
    try {
      await this.#change(`${verb} image ${JSON.stringify(id)}`, async (set) => {
        const stored = set.byId(id);
        if (!stored) throw imageUnknown(id);
        return await work(set, stored);
      });
    } catch (error) {
      // Others are looked at only now: locks of several stores are never held together.
      if (isManifestsError(error, "IMAGE_UNKNOWN")) await this.#refuseReadOnly(id);
      throw error;
    }
  }

  async #refuseReadOnly(id: string): Promise<void> {
    for (const folder of this.#additional) {
      if (!await folder.read((set) => set.byId(id))) continue;
      throw new ManifestsError(
        "STORE_READ_ONLY",
        `Cannot change image ${JSON.stringify(id)} as it is in the additional store ${folder.path}, which is only read`,
      );
    }
  }

  async #requireUnchanged(record: ImageRecord, { ifUnchanged = new Map() }: WriteBigDataOptions): Promise<void> {
    const data = await readItems(this.#own, record, [...ifUnchanged.keys()]);
    for (const [key, digest] of ifUnchanged) {
      const bytes = data.get(key);
      if (digest !== (bytes && digestOf(bytes))) throw listChanged(record.id);
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

  async #removeFolder(id: string): Promise<void> {
    await Deno.remove(join(this.#own.path, id), { recursive: true }).catch(ignoreMissing);
  }

  async #explain<T>(what: string, work: () => Promise<T>): Promise<T> {
    return await explainIo(`${what} in ${this.location}`, work);
  }
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
    digests.set(key, key.startsWith("manifest") ? manifestDigest(bytes) : digestOf(bytes));
  }
  const digest = record.digest ?? [...digests].find(([key]) => key.startsWith("manifest"))?.[1];
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
