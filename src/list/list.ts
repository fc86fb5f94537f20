import type { CopyOutline } from "../copy/room.ts";
import type { ImageReference } from "../image/room.ts";
import { allOrAbort } from "../internal/room.ts";
import {
  type Descriptor,
  type Digest,
  dropTagOfDigest,
  guessMediaType,
  isAttestation,
  isDigest,
  isIndexMediaType,
  ListImageUnknownError,
  ManifestsError,
  MEDIA_TYPES,
  normalizeLocalName,
  parseDigest,
} from "../spec/room.ts";
import { type BigData, type ImageStore, type ImageWithData, randomImageId } from "../store/room.ts";
import { type AddOptions, findInstances, type FoundInstance, pin } from "./add.ts";
import { wantedPlatform } from "./choose_entries.ts";
import { type AddArtifactOptions, assertArtifactOptions, buildArtifact, describeSubject } from "./add_artifact.ts";
import { Artifacts } from "./artifacts.ts";
import { EditableIndex, type Original } from "./editable_index.ts";
import type { HostFiles, ListHost } from "./host.ts";
import { type LoadedList, notAManifestList } from "./load.ts";
import { type ListPush, pushList, type PushOptions, type PushResult } from "./push.ts";
import { listType, pushToStore } from "./push_to_store.ts";
import { digestItems, type ItemDigests, LIST_KEYS, type ListRecords, readInstances, writeRecords } from "./records.ts";
import { ListReference, type ListSelection } from "./reference.ts";
import type { List, SaveToImageOptions } from "./types.ts";

/** Contents of a list in a store, when it was last loaded from there or saved there. */
interface Home {
  imageId: string;
  digests: ItemDigests;
  instances: ReadonlyMap<string, string>;
}

/** A list at one point in time. */
interface Snapshot extends Original {
  records: ListRecords;
  revision: number;
}

/** A list that reaches images and files through a host; {@linkcode List} documents its members. */
export class BaseList extends EditableIndex implements List {
  readonly #host: ListHost;
  #saving: Promise<unknown> = Promise.resolve();
  #records: ListRecords = { instances: new Map(), artifacts: new Artifacts() };
  /** Contents by the identity of the store, as a store can be opened twice. */
  readonly #homes = new Map<string, Home>();

  /** Creates an empty list that reaches images and files through `host`. */
  constructor(host: ListHost) {
    super();
    this.#host = host;
  }

  /** Fills this empty list with a list that was read from a store. */
  protected readLoaded({ store, imageId, manifest, records, digests }: LoadedList): void {
    this.readBlob(manifest);
    this.#records = records;
    this.#homes.set(store.identity, { imageId, digests, instances: new Map(records.instances) });
  }

  async add(image: string | ImageReference, options: AddOptions = {}): Promise<Digest> {
    return (await this.addAll([image], options))[0]!;
  }

  async addAll(images: readonly (string | ImageReference)[], options: AddOptions = {}): Promise<Digest[]> {
    const { platform } = this.#host;
    const found = await allOrAbort(
      images.map((image) => async (signal) => {
        const { instances } = await findInstances(this.#resolveSource(image), platform, { ...options, signal });
        if (instances.length > 0) return instances;
        throw new ManifestsError("NO_MATCHING_PLATFORM", `Cannot add ${image}: the list is empty`);
      }),
      options.signal,
    );
    for (const instances of found) this.#addFound(instances);
    return found.map((instances) => (instances.find((instance) => !isAttestation(instance)) ?? instances[0]!).digest);
  }

  #addFound(instances: readonly FoundInstance[]): void {
    for (const instance of instances) {
      this.addInstance(instance);
      if (instance.artifactType) this.setArtifactType(instance.digest, instance.artifactType);
      if (instance.urls.length > 0) this.setUrls(instance.digest, instance.urls);
      // The first place remains: the digest verifies the content of any place.
      if (!this.#records.instances.has(instance.digest)) {
        this.#records.instances.set(instance.digest, String(instance.reference));
      }
    }
  }

  addInstancesOf(list: List): void {
    if (!(list instanceof BaseList)) throw new TypeError("Cannot add instances: the argument is not a list");
    this.addEntries(list);
    const { instances, artifacts } = list.#records;
    for (const [digest, place] of instances) {
      if (!this.#records.instances.has(digest)) this.#records.instances.set(digest, place);
    }
    this.#records.artifacts.addFrom(artifacts);
  }

  async addArtifact(files: readonly string[], options: AddArtifactOptions = {}): Promise<Digest> {
    assertArtifactOptions(options);
    const subject = options.subject === undefined ? undefined : this.#resolveSource(options.subject);
    const artifact = await buildArtifact(files, this.#files(), subject, options);
    const { digest, size, artifactType } = artifact;
    this.addInstance({ digest, size, mediaType: MEDIA_TYPES.ociManifest, platform: options.platform });
    if (artifactType) this.setArtifactType(digest, artifactType);
    const { manifests, files: paths, config, layers, detached, blobs } = this.#records.artifacts;
    manifests.set(digest, artifact.manifest);
    config.set(digest, artifact.config);
    for (const [blob, bytes] of artifact.blobs) blobs.set(blob, bytes);
    if (artifact.configPath !== undefined) detached.set(artifact.config, artifact.configPath);
    for (const file of artifact.files) detached.set(file.digest, file.path);
    const ownPaths = artifact.files.map(({ path }) => path);
    if (artifact.configPath !== undefined) ownPaths.push(artifact.configPath);
    if (ownPaths.length > 0) paths.set(digest, [...new Set(ownPaths)]);
    const ownLayers = artifact.files.map((file) => file.digest);
    layers.set(digest, ownLayers.length > 0 ? [...new Set(ownLayers)] : [...artifact.blobs.keys()].slice(0, 1));
    return digest;
  }

  files(digest: string): string[] {
    return [...this.#records.artifacts.files.get(digest) ?? []];
  }

  instanceByFile(path: string): Digest {
    const named = this.instances().find((digest) => digest === path);
    if (named) return named;
    if (isDigest(path) || /^sha(256|384|512):/.test(path)) return parseDigest(path);
    const absolute = this.#files().resolve(path);
    for (const [digest, paths] of this.#records.artifacts.files) {
      if (paths.includes(absolute)) return digest as Digest;
    }
    throw new ManifestsError("INSTANCE_NOT_FOUND", `Cannot find an artifact with the file ${JSON.stringify(absolute)}`);
  }

  location(digest: string): string | undefined {
    return this.#records.instances.get(digest);
  }

  locateInstances(place: ImageReference, digests: readonly Digest[] = this.instances()): void {
    for (const digest of digests) {
      if (this.#records.instances.has(digest) || this.#records.artifacts.manifests.has(digest)) continue;
      this.#records.instances.set(digest, String(pin(place, digest)));
    }
  }

  override remove(digest: string): void {
    super.remove(digest);
    this.#records.instances.delete(digest);
    this.#records.artifacts.remove(digest);
  }

  async setSubjectFrom(image: string | ImageReference, options: AddOptions = {}): Promise<Descriptor> {
    const subject = await describeSubject(this.#resolveSource(image), options);
    this.setSubject(subject);
    return subject;
  }

  async saveToImage(store: ImageStore, options: SaveToImageOptions = {}): Promise<string> {
    const saved = this.#snapshot(options.mimeType || this.#storedMediaType(store, options) || this.preferredMediaType);
    // Saves run one after another: each one compares the store with the result of the one before.
    const turn = this.#saving.then(() => this.#save(store, options, saved));
    this.#saving = turn.catch(() => {});
    return await turn;
  }

  async #save(store: ImageStore, options: SaveToImageOptions, saved: Snapshot): Promise<string> {
    const home = this.#homes.get(store.identity);
    const wanted = options.imageId ?? home?.imageId;
    const there = wanted === undefined ? undefined : await store.findImage(wanted, LIST_KEYS);
    if (there && there.image.id === wanted) return await this.#overwrite(store, there, saved, home);
    // A deleted list must not come back because another program still had it open.
    if (home && wanted === home.imageId) throw new ListImageUnknownError(wanted);
    const names = (options.names ?? []).map((name) => String(normalizeLocalName(name)));
    const id = wanted ?? randomImageId();
    const [instances, artifacts, manifest] = writeRecords(id, saved.bytes, saved.records) as [
      BigData,
      BigData,
      BigData,
    ];
    const data = [manifest, instances, artifacts];
    await store.createImage({ id, names, data });
    return this.#settle(store, id, saved, digestItems(data));
  }

  /** Returns the media type of the stored list if this list overwrites it unchanged. */
  #storedMediaType(store: ImageStore, { imageId }: SaveToImageOptions): string | undefined {
    const home = this.#homes.get(store.identity);
    return home && (imageId ?? home.imageId) === home.imageId ? this.original?.mediaType : undefined;
  }

  /** Returns the list as it is now: changes made while the store waits for its lock are not saved. */
  #snapshot(mediaType: string): Snapshot {
    const { instances, artifacts } = this.#records;
    const { original } = this;
    return {
      // Bytes that another program wrote are kept while the list does not change.
      bytes: original?.mediaType === mediaType ? original.bytes : this.serialize(mediaType),
      mediaType,
      records: { instances: new Map(instances), artifacts: artifacts.clone() },
      revision: this.revision,
    };
  }

  async #overwrite(
    store: ImageStore,
    there: ImageWithData,
    saved: Snapshot,
    home: Home | undefined,
  ): Promise<string> {
    const { image, data } = there;
    const own = home?.imageId === image.id ? home : undefined;
    const manifest = data.get("manifest");
    if (manifest && !isIndexMediaType(guessMediaType(manifest))) throw notAManifestList(image.id);
    const items = writeRecords(image.id, saved.bytes, saved.records, own?.instances ?? readInstances(there));
    const found = digestItems(Array.from(data, ([key, bytes]) => ({ key, bytes })));
    const digests = digestItems(items);
    const changes = LIST_KEYS.some((key) => digests.get(key) !== found.get(key));
    if (changes) await store.writeBigData(image.id, items, { ifUnchanged: own?.digests ?? found });
    return this.#settle(store, image.id, saved, digests);
  }

  #settle(store: ImageStore, imageId: string, saved: Snapshot, digests: ItemDigests): string {
    this.#homes.set(store.identity, { imageId, digests, instances: saved.records.instances });
    this.remember(saved, saved.revision);
    return imageId;
  }

  reference(store?: ImageStore, selection: ListSelection = {}): ImageReference {
    const home = store && this.#homes.get(store.identity);
    if (store && !home) throw new ListImageUnknownError(undefined);
    return new ListReference({
      host: this.#host,
      location: home ? `${store.location}@${home.imageId}` : "unsaved list",
      manifest: this.original ?? { bytes: this.serialize(), mediaType: this.preferredMediaType },
      instances: new Map(this.#records.instances),
      artifacts: this.#records.artifacts.clone(),
      selection,
    });
  }

  async push(destination: string | ImageReference, options: PushOptions = {}): Promise<PushResult> {
    const to = this.#resolve(destination);
    // The image for a platform is copied to a local store like to any other place.
    const target = options.imageListSelection === "system" ? undefined : await this.#host.openStoreTarget?.(to);
    if (!target) {
      // Most programs that edit lists do not push: the code that copies images is loaded when it is needed.
      const { copyImageWith } = await import("../copy/room.ts");
      return await pushList(this.#pushTo(to, options), copyImageWith);
    }
    await using _opened = target.store;
    const mediaType = listType(options.manifestType) ?? this.preferredMediaType;
    return await pushToStore(target, this.#snapshot(mediaType), options);
  }

  async outlinePush(destination: string | ImageReference, options: PushOptions = {}): Promise<CopyOutline> {
    const { outlineCopyWith } = await import("../copy/room.ts");
    return await pushList(this.#pushTo(this.#resolve(destination), options), outlineCopyWith);
  }

  #pushTo(destination: ImageReference, options: PushOptions): ListPush {
    const { store, imageListSelection, instances } = options;
    return {
      source: this.reference(store, { selection: imageListSelection, instances }),
      destination,
      platform: wantedPlatform(this.#host.platform, options.systemContext),
      host: this.#host,
      options,
      // An index that was read and not edited is probably pushed back to its place.
      skipExisting: this.#homes.size === 0 && this.original !== undefined,
    };
  }

  #resolveSource(image: string | ImageReference): ImageReference {
    return this.#resolve(typeof image === "string" ? dropTagOfDigest(image) : image);
  }

  #resolve(image: string | ImageReference): ImageReference {
    return typeof image === "string" ? this.#host.transports.parseImageName(image) : image;
  }

  #files(): HostFiles {
    if (this.#host.files) return this.#host.files;
    throw new ManifestsError("ARTIFACT_UNAVAILABLE", "Cannot use files: no files can be read here");
  }
}
