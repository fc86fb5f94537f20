import type { Selection } from "../copy/room.ts";
import {
  type BlobOrigin,
  findSourceBlob,
  type ImageDestination,
  type ImageReference,
  type ImageSource,
  type InstanceOptions,
  type InstancePlace,
  type ManifestBytes,
  type ReferrersOptions,
  type SignedManifest,
  type SystemContext,
} from "../image/room.ts";
import { type ByteStream, type CallOptions, encodeUtf8, OncePerKey, toStream } from "../internal/room.ts";
import type { Signature } from "../signature/room.ts";
import {
  type Descriptor,
  type Digest,
  isManifestsError,
  ManifestsError,
  MEDIA_TYPES,
  type ParsedImage,
  UNKNOWN_SIZE,
} from "../spec/room.ts";
import type { Artifacts } from "./artifacts.ts";
import type { Original } from "./editable_index.ts";
import type { ListHost } from "./host.ts";

/** Selection of the instances of a list. Go: `ImageListSelection`. */
export type ImageListSelection = Selection["selection"];

/** Selection of the instances that can be read through a reference to a list. */
export interface ListSelection {
  /** Kind of selection; `specific` only allows the named instances. Default: `all`. */
  selection?: ImageListSelection | undefined;
  /** Digests of the instances of `specific`. Default: none. */
  instances?: readonly string[] | undefined;
}

/** Contents of the list that a {@linkcode ListReference} names. */
export interface ListContent {
  /** How the list reaches images and files. */
  readonly host: ListHost;
  /** Store and id of the list, for messages and policies. */
  readonly location: string;
  /** Manifest of the list, byte for byte as it was saved or as it would be written now. */
  readonly manifest: Original;
  /** The reference from which each instance was added, by digest. */
  readonly instances: ReadonlyMap<string, string>;
  /** Artifacts that are instances of the list. */
  readonly artifacts: Artifacts;
  /** Instances that can be read. */
  readonly selection: ListSelection;
}

/** Image reference to a list: the source of a push, which `sourceFilter` can wrap. */
export class ListReference implements ImageReference {
  readonly transport = "containers-storage";
  readonly dockerReference = undefined;
  readonly policyConfigurationNamespaces: readonly string[] = [];
  readonly #content: ListContent;

  constructor(content: ListContent) {
    this.#content = content;
  }

  get stringWithinTransport(): string {
    return this.#content.location;
  }

  get policyConfigurationIdentity(): string {
    return this.#content.location;
  }

  openSource(context?: SystemContext): Promise<ImageSource> {
    return Promise.resolve(new ListSource(this, this.#content, context));
  }

  openDestination(): Promise<ImageDestination> {
    return Promise.reject(
      new ManifestsError("UNSUPPORTED_TRANSPORT", `Cannot write to ${this}: save the list with saveToImage`),
    );
  }

  toString(): string {
    return `${this.transport}:${this.stringWithinTransport}`;
  }
}

/**
 * Image source of a list. Instances are read from the places that they were added from; each place is opened once, when
 * it is first needed. Artifacts are read from their files and from inline blobs.
 */
class ListSource implements ImageSource {
  readonly reference: ImageReference;
  readonly #content: ListContent;
  readonly #context: SystemContext | undefined;
  /** Digests of the instances that can be read; `undefined`: all. */
  readonly #selected: ReadonlySet<string> | undefined;
  readonly #sources = new OncePerKey<string, ImageSource>();
  readonly #opened = new Map<string, ImageSource>();

  constructor(reference: ImageReference, content: ListContent, context: SystemContext | undefined) {
    this.reference = reference;
    this.#content = content;
    this.#context = context;
    const { selection, instances } = content.selection;
    this.#selected = selection === "specific" ? new Set(instances) : undefined;
  }

  async getManifest(options: InstanceOptions = {}): Promise<ManifestBytes> {
    const { instance } = options;
    const { manifest, artifacts } = this.#content;
    if (instance === undefined) return manifest;
    this.#assertSelected(options);
    const artifact = this.#isArtifact(options) ? artifacts.manifests.get(instance) : undefined;
    if (artifact !== undefined) return { bytes: encodeUtf8(artifact), mediaType: MEDIA_TYPES.ociManifest };
    const source = await this.#getSource(options);
    try {
      return await source.getManifest(options);
    } catch (error) {
      if (!isManifestsError(error, "NOT_FOUND")) throw error;
      throw new ManifestsError(
        "NOT_FOUND",
        `Cannot read instance ${instance}: it is no longer found at ${source.reference}`,
        { cause: error },
      );
    }
  }

  async getBlob(descriptor: Descriptor, options: InstanceOptions = {}): Promise<ByteStream> {
    const { instance } = options;
    const { artifacts, host } = this.#content;
    this.#assertSelected(options);
    if (!this.#isArtifact(options)) return await (await this.#getSource(options)).getBlob(descriptor, options);
    const inline = artifacts.blobs.get(descriptor.digest);
    if (inline) return toStream(inline);
    const path = artifacts.detached.get(descriptor.digest);
    if (path === undefined || !host.files) {
      throw new ManifestsError(
        "ARTIFACT_UNAVAILABLE",
        `Cannot read blob ${descriptor.digest} of artifact ${instance}: the list has no file or content for it`,
      );
    }
    const file = await host.files.find(path);
    return await file.open();
  }

  async findBlob(descriptor: Descriptor, options: InstanceOptions = {}): Promise<number | undefined> {
    this.#assertSelected(options);
    if (!this.#isArtifact(options)) return await findSourceBlob(await this.#getSource(options), descriptor, options);
    const inline = this.#content.artifacts.blobs.get(descriptor.digest);
    if (inline) return inline.length;
    // Opening the file is the only check whether it still exists; its size is not known before it is read.
    await (await this.getBlob(descriptor, options)).cancel();
    return UNKNOWN_SIZE;
  }

  async findOrigin(place: InstancePlace): Promise<ImageReference | undefined> {
    return this.#isArtifact(place) ? undefined : (await this.#getSource(place)).reference;
  }

  /** Returns the signatures of instances from their places. A list that is being edited has no signatures. */
  async getSignatures(manifest: SignedManifest, options: CallOptions = {}): Promise<readonly Signature[]> {
    const { digest: instance, isInstance, ancestor } = manifest;
    if (!isInstance || this.#isArtifact({ instance, ancestor })) return [];
    return await (await this.#getSource({ instance, ancestor })).getSignatures?.(manifest, options) ?? [];
  }

  async listReferrers(subject: Digest, options: ReferrersOptions = {}): Promise<readonly Descriptor[]> {
    const place = { instance: subject, ancestor: options.ancestor };
    // A list that is being edited, or an artifact that is made here, has no referrers yet.
    if (this.#getPlace(place) === undefined) return [];
    return await (await this.#getSource(place)).listReferrers?.(subject, options) ?? [];
  }

  async layersForCopy(image: ParsedImage, options: InstanceOptions = {}): Promise<readonly Descriptor[] | undefined> {
    return this.#isArtifact(options)
      ? undefined
      : await (await this.#getSource(options)).layersForCopy?.(image, options);
  }

  async blobOrigin(descriptor: Descriptor, options: InstanceOptions = {}): Promise<BlobOrigin | undefined> {
    if (this.#isArtifact(options)) return undefined;
    return await (await this.#getSource(options)).blobOrigin?.(descriptor, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const sources = [...this.#opened.values()];
    this.#opened.clear();
    // If closing one source fails, the others must still be closed.
    const ends = await Promise.allSettled(sources.map((source) => source[Symbol.asyncDispose]()));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  #assertSelected({ instance, ancestor }: InstancePlace): void {
    if (!this.#selected || this.#selected.has((ancestor ?? instance)!)) return;
    throw new ManifestsError(
      "INSTANCE_NOT_FOUND",
      `Cannot read instance ${instance} of ${this.reference}: it is not one of the selected instances`,
    );
  }

  async #open(name: string): Promise<ImageSource> {
    return await this.#content.host.transports.parseImageName(name).openSource(this.#context);
  }

  /** Returns whether an instance is an artifact whose manifest the list contains. */
  #isArtifact({ instance, ancestor }: InstancePlace): boolean {
    return ancestor === undefined && instance !== undefined && this.#content.artifacts.manifests.has(instance);
  }

  /** Returns the place of an instance; an instance of an index inside the list is at the place of that index. */
  #getPlace({ instance, ancestor = instance }: InstancePlace): string | undefined {
    return ancestor && this.#content.instances.get(ancestor);
  }

  #getSource(place: InstancePlace): Promise<ImageSource> {
    const { instance } = place;
    this.#assertSelected(place);
    const name = this.#getPlace(place);
    if (name === undefined) {
      throw new ManifestsError(
        "INSTANCE_NOT_FOUND",
        `Cannot read instance ${instance} of ${this.reference}: the list does not record its place: add it again`,
      );
    }
    return this.#sources.get(name, async () => {
      const source = await this.#open(name).catch((error) => Promise.reject(notOpened(instance, name, error)));
      this.#opened.set(name, source);
      return source;
    });
  }
}

/** Adds to an error which instance cannot be read, and what the user can do. */
function notOpened(instance: Digest | undefined, name: string, error: unknown): unknown {
  if (!isManifestsError(error, "NOT_FOUND")) return error;
  return new ManifestsError(
    "NOT_FOUND",
    `Cannot read instance ${instance}: the place that it was added from no longer exists (${name}): remove it, or add it again: ${error.message}`,
    { cause: error },
  );
}
