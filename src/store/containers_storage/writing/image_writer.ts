import { join } from "@std/path";
import type { ByteStream, SignalOptions } from "../../../internal/room.ts";
import { type Digest, DigestMismatchError, ManifestsError } from "../../../spec/room.ts";
import { lockFile, type LockingMode } from "../../lock/file_lock.ts";
import type { ImageWriter, LayerBlob, NewImage, StoredImage } from "../../types.ts";
import { explainIo } from "../io_errors.ts";
import { cannotStore } from "../layers/layer_error.ts";
import { ContainersLayers } from "../layers/layer_store.ts";
import { layersFolder, listLayerRoots } from "../layers/layer_roots.ts";
import { findLayerSource } from "../layers/layer_source.ts";
import { makeFolders, type StoreLocation } from "../layout.ts";
import { now } from "../record_changes.ts";
import type { UnpackRules } from "../unpack/rules.ts";
import { commitLayers, type StagedLayer } from "./commit_layers.ts";
import { ImageRecords } from "./image_records.ts";
import { listLayerIds } from "./layer_chain.ts";
import { LayerPlaces } from "./layer_places.ts";
import { LayerPreparer, type PreparedLayer } from "./layer_preparer.ts";
import { type LayerRecord, readLayersFile } from "./layers_file.ts";
import { stageLayer } from "./stage_layers.ts";

/** Maximum number of attempts to write an image if another program deletes its layers in the meantime. */
const MAX_ATTEMPTS = 3;

/** Source of a layer of the new image: what arrived, or a layer of the store. */
type Origin = { readonly prepared: PreparedLayer } | { readonly stored: LayerRecord };

/** Options for {@linkcode StorageImageWriter}. */
export interface ImageWriterOptions {
  /** Root folders, driver and options of the store. */
  readonly location: StoreLocation;
  /** Store specifier, as in `[vfs@/root+/run]`, for messages. */
  readonly name: string;
  /** Which programs the locks exclude. */
  readonly mode: LockingMode;
  /** Rules for unpacking layers: driver, rights and options. */
  readonly rules: UnpackRules;
  /** Folder for temporary files. Default: that of the system. */
  readonly temporaryFolder: string | undefined;
}

/**
 * Writes one image into a containers/storage store. Layers are prepared while they arrive, and become visible together
 * with the image.
 */
export class StorageImageWriter implements ImageWriter {
  readonly #options: ImageWriterOptions;
  readonly #places: LayerPlaces;
  readonly #layers: ContainersLayers;
  readonly #images: ImageRecords;
  readonly #preparer: LayerPreparer;
  readonly #origins = new Map<Digest, Origin & { readonly size: number }>();
  /** Layers that are ready to be put into their places, by id. A second attempt uses them, too. */
  readonly #staged = new Map<string, StagedLayer>();
  readonly #derived = new DisposableStack();

  constructor(options: ImageWriterOptions) {
    const { location, mode, name, rules } = options;
    this.#options = options;
    this.#places = new LayerPlaces(location, rules.driver);
    this.#layers = new ContainersLayers(location, mode);
    this.#images = new ImageRecords(location, mode, name);
    this.#preparer = new LayerPreparer({ ...options, places: this.#places });
  }

  async findLayer(digest: Digest): Promise<number | undefined> {
    return await this.#explain("find a layer", async () => {
      const known = this.#origins.get(digest);
      if (known) return known.size;
      const { driver } = this.#options.location;
      for (const record of (await this.#readRecords()).all) {
        const size = record.sizes.get(digest);
        const { id, parent, diffDigest } = record;
        if (size === undefined || record.isIncomplete || !diffDigest) continue;
        const layer = { id, parent, diffDigest, diffSize: record.sizes.get(diffDigest)! };
        // It may be needed as the source of another layer.
        const isReadable = await findLayerSource(layer, this.#roots, driver).then(() => true, () => false);
        if (!isReadable) continue;
        this.#origins.set(digest, { stored: record, size });
        return size;
      }
      return undefined;
    });
  }

  async putLayer(blob: LayerBlob, stream: ByteStream): Promise<void> {
    const options = { layer: blob.describe(), size: blob.size };
    const prepared = await this.#explain("write a layer", () => this.#preparer.prepare(stream, options));
    const { digest, size } = blob.measured();
    const before = this.#origins.get(digest);
    this.#origins.set(digest, { prepared, size });
    if (before && "prepared" in before) before.prepared[Symbol.dispose]();
  }

  async commit(image: NewImage, { signal }: SignalOptions = {}): Promise<StoredImage> {
    return await this.#explain(`write image ${JSON.stringify(image.id)}`, async () => {
      this.#assertDiffIds(image);
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        const stored = await this.#tryCommit(image, signal);
        if (stored) return stored;
      }
      throw new ManifestsError(
        "CONFLICT",
        `Cannot write image ${JSON.stringify(image.id)}: another program deletes its layers: try again`,
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const origin of this.#origins.values()) if ("prepared" in origin) origin.prepared[Symbol.dispose]();
    this.#origins.clear();
    this.#derived.dispose();
    await this.#preparer[Symbol.asyncDispose]();
  }

  /** Unpacks the layers that the store does not have, and writes all records. `undefined` if layers disappeared. */
  async #tryCommit(image: NewImage, signal: AbortSignal | undefined): Promise<StoredImage | undefined> {
    const chain = listLayerIds(image.layers.map(({ diffId }) => diffId));
    const { own, all } = await this.#readRecords();
    const isKnown = (records: readonly LayerRecord[], id: string) =>
      records.some((record) => record.id === id && !record.isIncomplete);
    // An image may use the layers of an additional store, but its own layers cannot be put on them.
    const isShared = chain.length > 0 && !isKnown(own, chain.at(-1)!) && isKnown(all, chain.at(-1)!);
    const missing = isShared ? [] : chain.filter((id) => !isKnown(own, id));
    await makeFolders(this.#options.location);
    await this.#places.makeFolders();
    for (const id of missing) {
      signal?.throwIfAborted();
      const at = chain.indexOf(id);
      assertUnmapped(own.find((record) => record.id === chain[at - 1]));
      if (!this.#staged.has(id)) this.#staged.set(id, await this.#stage(image, { chain, at, signal }));
    }
    signal?.throwIfAborted();
    return await this.#publish(image, { chain: isShared ? [] : chain, top: chain.at(-1) });
  }

  async #stage(
    image: NewImage,
    { chain, at, signal }: { chain: readonly string[]; at: number; signal: AbortSignal | undefined },
  ): Promise<StagedLayer> {
    const { digest } = image.layers[at]!;
    const origin = this.#origins.get(digest)!;
    const prepared = "prepared" in origin
      ? origin.prepared
      : this.#derived.use(await this.#prepareStored(origin.stored, digest));
    const parent = chain[at - 1];
    const stagedParent = parent === undefined ? undefined : this.#staged.get(parent);
    const parentFolder = parent === undefined ? undefined : stagedParent?.folder ?? this.#places.files(parent);
    return await stageLayer({
      id: chain[at]!,
      ancestors: chain.slice(0, at).reverse(),
      blob: { digest, size: origin.size },
      compression: "stored" in origin ? origin.stored.compression : undefined,
      prepared,
      isShared: "prepared" in origin && image.layers.filter((layer) => layer.digest === digest).length > 1,
      parentFolder,
      whileParentExists: async (work) => {
        if (stagedParent) return await work();
        using _lock = await this.#lock(this.#places.recordsFolder, false);
        await work();
      },
    }, { createFolder: () => this.#preparer.createFolder(), rules: this.#options.rules, signal });
  }

  async #publish(
    image: NewImage,
    { chain, top }: { chain: readonly string[]; top: string | undefined },
  ): Promise<StoredImage | undefined> {
    const { graphRoot, imageStore, driver } = this.#options.location;
    // Other tools create this file when they open the store.
    (await Deno.open(join(graphRoot, "storage.lock"), { create: true, write: true, mode: 0o644 })).close();
    // With a separate image store, other tools take the lock of the root first.
    using _rootLock = imageStore === undefined ? undefined : await this.#lock(layersFolder(graphRoot, driver), true);
    using lock = await this.#lock(this.#places.recordsFolder, true);
    if (!await commitLayers(this.#places, lock.file, { chain, staged: this.#staged, created: now() })) return undefined;
    return await this.#images.put(image, top);
  }

  /** Reads the archive of a layer of the store, to unpack it above other layers. */
  async #prepareStored({ id, parent, diffDigest, sizes }: LayerRecord, digest: Digest): Promise<PreparedLayer> {
    const layer = { id, parent, diffDigest, diffSize: sizes.get(diffDigest!)! };
    return await this.#preparer.prepare(await this.#layers.openLayer(layer), { layer: digest, size: layer.diffSize });
  }

  /** Fails if a layer is not the one that the configuration names. */
  #assertDiffIds({ layers }: NewImage): void {
    for (const [i, { digest, diffId }] of layers.entries()) {
      const origin = this.#origins.get(digest);
      if (!origin) throw cannotStore(digest, "it was not written");
      const actual = "prepared" in origin ? origin.prepared.diffDigest : origin.stored.diffDigest!;
      if (actual !== diffId) {
        throw new DigestMismatchError(`layer ${i + 1} (blob ${digest}) of the image`, diffId, actual);
      }
    }
  }

  /** Reads the records to which new ones are added, and those of all stores. */
  async #readRecords(): Promise<{ own: readonly LayerRecord[]; all: readonly LayerRecord[] }> {
    const { driver } = this.#options.location;
    const all: LayerRecord[] = [];
    let own: readonly LayerRecord[] = [];
    for (const root of this.#roots) {
      const folder = layersFolder(root, driver);
      const records = await this.#readFolder(folder);
      if (folder === this.#places.recordsFolder) own = records;
      all.push(...records);
    }
    return { own, all };
  }

  async #readFolder(folder: string): Promise<readonly LayerRecord[]> {
    const exists = await Deno.stat(join(folder, "layers.lock")).then(() => true, () => false);
    using _lock = exists ? await this.#lock(folder, false) : undefined;
    return await readLayersFile(folder);
  }

  async #lock(folder: string, exclusive: boolean) {
    return await lockFile(join(folder, "layers.lock"), { mode: this.#options.mode, exclusive });
  }

  get #roots(): readonly string[] {
    return listLayerRoots(this.#options.location);
  }

  async #explain<T>(what: string, work: () => Promise<T>): Promise<T> {
    return await explainIo(`${what} in ${this.#options.name}`, work);
  }
}

function assertUnmapped(parent: LayerRecord | undefined): void {
  if (!parent?.isMapped) return;
  throw new ManifestsError(
    "STORE_READ_ONLY",
    `Cannot write an image on layer ${parent.id}: the owners of its files are mapped: use podman pull or skopeo copy`,
  );
}
