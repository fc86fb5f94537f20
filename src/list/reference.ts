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

/** Which instances of a list are meant. Go: `ImageListSelection`. */
export type ImageListSelection = Selection["selection"];

/** A selection of instances: what may be read through a reference to a list. */
export interface ListSelection {
  /** Which instances; `specific` allows only those named. Default: `all`. */
  selection?: ImageListSelection | undefined;
  /** The instances of `specific`. */
  instances?: readonly string[] | undefined;
}

/** What a {@linkcode ListReference} names. */
export interface ListContent {
  /** What the list is given of the world around it. */
  readonly host: ListHost;
  /** Where the list is kept, for messages and policy. */
  readonly location: string;
  /** Its manifest. */
  readonly manifest: Original;
  /** Where each instance was added from. */
  readonly instances: ReadonlyMap<string, string>;
  /** Its artifacts. */
  readonly artifacts: Artifacts;
  /** The instances that may be read. */
  readonly selection: ListSelection;
}

/** A list seen as an image reference: what `push` copies from, and what filters may wrap. */
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
      new ManifestsError("UNSUPPORTED_TRANSPORT", `Cannot write to ${this} as a list is saved with saveToImage`),
    );
  }

  toString(): string {
    return `${this.transport}:${this.stringWithinTransport}`;
  }
}

/**
 * A list seen as an image source. Instances come from where they were added; each place is opened when it is first
 * needed, and once. Artifacts come from their files and from what is kept inline.
 */
class ListSource implements ImageSource {
  readonly reference: ImageReference;
  readonly #content: ListContent;
  readonly #context: SystemContext | undefined;
  /** The instances that may be read; `undefined` for all. */
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
    this.#requireSelected(options);
    const artifact = this.#isArtifact(options) ? artifacts.manifests.get(instance) : undefined;
    if (artifact !== undefined) return { bytes: encodeUtf8(artifact), mediaType: MEDIA_TYPES.ociManifest };
    const source = await this.#sourceOf(options);
    try {
      return await source.getManifest(options);
    } catch (error) {
      if (!isManifestsError(error, "NOT_FOUND")) throw error;
      throw new ManifestsError(
        "NOT_FOUND",
        `Cannot read instance ${instance} as it is no longer found at ${source.reference}`,
        { cause: error },
      );
    }
  }

  async getBlob(descriptor: Descriptor, options: InstanceOptions = {}): Promise<ByteStream> {
    const { instance } = options;
    const { artifacts, host } = this.#content;
    this.#requireSelected(options);
    if (!this.#isArtifact(options)) return await (await this.#sourceOf(options)).getBlob(descriptor, options);
    const inline = artifacts.blobs.get(descriptor.digest);
    if (inline) return toStream(inline);
    const path = artifacts.detached.get(descriptor.digest);
    if (path === undefined || !host.files) {
      throw new ManifestsError(
        "ARTIFACT_UNAVAILABLE",
        `Cannot read blob ${descriptor.digest} of artifact ${instance} as no file or content of it is recorded`,
      );
    }
    const file = await host.files.find(path);
    return await file.open();
  }

  async findBlob(descriptor: Descriptor, options: InstanceOptions = {}): Promise<number | undefined> {
    this.#requireSelected(options);
    if (!this.#isArtifact(options)) return await findSourceBlob(await this.#sourceOf(options), descriptor, options);
    const inline = this.#content.artifacts.blobs.get(descriptor.digest);
    if (inline) return inline.length;
    // A file is looked for where it was: whether it can be opened is what there is to know.
    await (await this.getBlob(descriptor, options)).cancel();
    return UNKNOWN_SIZE;
  }

  async findOrigin(place: InstancePlace): Promise<ImageReference | undefined> {
    return this.#isArtifact(place) ? undefined : (await this.#sourceOf(place)).reference;
  }

  /** Those of instances, from where these are; nothing keeps signatures of a list that is being edited. */
  async getSignatures(manifest: SignedManifest, options: CallOptions = {}): Promise<readonly Signature[]> {
    const { digest: instance, isInstance, ancestor } = manifest;
    if (!isInstance || this.#isArtifact({ instance, ancestor })) return [];
    return await (await this.#sourceOf({ instance, ancestor })).getSignatures?.(manifest, options) ?? [];
  }

  async listReferrers(subject: Digest, options: ReferrersOptions = {}): Promise<readonly Descriptor[]> {
    const place = { instance: subject, ancestor: options.ancestor };
    // Nothing is about a list that is being edited, or an artifact that is made here.
    if (this.#placeOf(place) === undefined) return [];
    return await (await this.#sourceOf(place)).listReferrers?.(subject, options) ?? [];
  }

  async layersForCopy(image: ParsedImage, options: InstanceOptions = {}): Promise<readonly Descriptor[] | undefined> {
    return this.#isArtifact(options)
      ? undefined
      : await (await this.#sourceOf(options)).layersForCopy?.(image, options);
  }

  async blobOrigin(descriptor: Descriptor, options: InstanceOptions = {}): Promise<BlobOrigin | undefined> {
    if (this.#isArtifact(options)) return undefined;
    return await (await this.#sourceOf(options)).blobOrigin?.(descriptor, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const sources = [...this.#opened.values()];
    this.#opened.clear();
    // One that fails must not leave the others open.
    const ends = await Promise.allSettled(sources.map((source) => source[Symbol.asyncDispose]()));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  #requireSelected({ instance, ancestor }: InstancePlace): void {
    if (!this.#selected || this.#selected.has((ancestor ?? instance)!)) return;
    throw new ManifestsError(
      "INSTANCE_NOT_FOUND",
      `Cannot read instance ${instance} of ${this.reference} as it is not among the selected ones`,
    );
  }

  async #open(name: string): Promise<ImageSource> {
    return await this.#content.host.transports.parseImageName(name).openSource(this.#context);
  }

  /** Whether it is an artifact that the list itself holds. */
  #isArtifact({ instance, ancestor }: InstancePlace): boolean {
    return ancestor === undefined && instance !== undefined && this.#content.artifacts.manifests.has(instance);
  }

  /** What the list itself does not name is where that is below which it was found. */
  #placeOf({ instance, ancestor = instance }: InstancePlace): string | undefined {
    return ancestor && this.#content.instances.get(ancestor);
  }

  #sourceOf(place: InstancePlace): Promise<ImageSource> {
    const { instance } = place;
    this.#requireSelected(place);
    const name = this.#placeOf(place);
    if (name === undefined) {
      throw new ManifestsError(
        "INSTANCE_NOT_FOUND",
        `Cannot read instance ${instance} of ${this.reference} as it is not recorded where it was added from`,
      );
    }
    return this.#sources.get(name, async () => {
      const source = await this.#open(name).catch((error) => Promise.reject(notOpened(instance, name, error)));
      this.#opened.set(name, source);
      return source;
    });
  }
}

/** Says which instance it was whose place is gone, and what can be done. */
function notOpened(instance: Digest | undefined, name: string, error: unknown): unknown {
  if (!isManifestsError(error, "NOT_FOUND")) return error;
  return new ManifestsError(
    "NOT_FOUND",
    `Cannot read instance ${instance} as the place that it was added from is gone (${name}): remove it, or add it again: ${error.message}`,
    { cause: error },
  );
}
