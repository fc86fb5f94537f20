import type { ImageSource, InstanceOptions, ManifestBytes, SignedManifest } from "../../image/room.ts";
import { type ByteStream, OncePerKey, type SignalOptions, toStream } from "../../internal/room.ts";
import type { Signature } from "../../signature/room.ts";
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  EMPTY_GZIP_LAYER,
  manifestDigest,
  ManifestsError,
  MEDIA_TYPES,
  type ParsedImage,
  schema1EmptyLayers,
  UNKNOWN_SIZE,
} from "../../spec/room.ts";
import type { ImageStore, StoredImage, StoredLayer } from "../../store/room.ts";
import type { ContainersStorageReference } from "./reference.ts";
import { readStoredSignatures } from "./signatures.ts";

/** An opened image, from which {@linkcode ContainersStorageSource} reads. */
export interface OpenedImage {
  /** Reference of the image by its id. */
  readonly reference: ContainersStorageReference;
  /** Store of the image, which the source closes. */
  readonly store: ImageStore;
  /** Record of the image in its store. */
  readonly image: StoredImage;
  /** Digest of the manifest in the original reference; `undefined` if it had none. */
  readonly digest: Digest | undefined;
  /** Ids of the images whose manifests were read, by the digest of the manifest. The source adds to it. */
  readonly ids: Map<Digest, string>;
}

/**
 * An image in a local store, open for reading. The store has unpacked layers, which are read as uncompressed archives.
 * The instances of a list are separate images, which are found by digest even if their names have moved.
 */
export class ContainersStorageSource implements ImageSource {
  readonly reference: ContainersStorageReference;
  readonly #opened: OpenedImage;
  readonly #images = new OncePerKey<Digest, StoredImage>();
  readonly #layers = new OncePerKey<string, readonly StoredLayer[]>();

  constructor(opened: OpenedImage) {
    this.reference = opened.reference;
    this.#opened = opened;
  }

  async getManifest({ instance = this.#opened.digest, signal }: InstanceOptions = {}): Promise<ManifestBytes> {
    signal?.throwIfAborted();
    const bytes = await this.#readManifest(await this.#getImage(instance), instance);
    return bytes ? { bytes } : this.#fail(instance ? `manifest ${instance}` : "the manifest");
  }

  async getBlob({ digest }: Descriptor, { instance, signal }: InstanceOptions = {}): Promise<ByteStream> {
    signal?.throwIfAborted();
    const image = await this.#getImage(instance);
    const layer = (await this.#listLayers(image)).find(({ diffDigest }) => diffDigest === digest);
    if (layer) return await this.#opened.store.layers!.openLayer(layer, { signal });
    if (digest === EMPTY_GZIP_LAYER.descriptor.digest) return toStream(EMPTY_GZIP_LAYER.bytes.slice());
    return toStream(await this.#read(image, digest) ?? this.#fail(`blob ${digest}`));
  }

  async findBlob({ digest }: Descriptor, { instance, signal }: InstanceOptions = {}): Promise<number | undefined> {
    signal?.throwIfAborted();
    const image = await this.#getImage(instance);
    const layer = (await this.#listLayers(image)).find(({ diffDigest }) => diffDigest === digest);
    if (layer) return layer.diffSize;
    if (digest === EMPTY_GZIP_LAYER.descriptor.digest) return EMPTY_GZIP_LAYER.bytes.length;
    return (await this.#read(image, digest))?.length;
  }

  async getSignatures({ digest, isInstance }: SignedManifest, { signal }: SignalOptions = {}): Promise<Signature[]> {
    signal?.throwIfAborted();
    const image = await this.#getImage(isInstance ? digest : this.#opened.digest);
    const read = (key: string) => this.#read(image, key);
    const signatures = await readStoredSignatures(image, digest, read);
    // Older records have the signatures of their main manifest in an item without a digest.
    return signatures.length > 0 || isInstance ? signatures : await readStoredSignatures(image, undefined, read);
  }

  async layersForCopy(
    image: ParsedImage,
    { instance, signal }: InstanceOptions = {},
  ): Promise<readonly Descriptor[] | undefined> {
    signal?.throwIfAborted();
    const empty = image.kind === "docker-schema1" ? schema1EmptyLayers(image) : image.layers.map(() => false);
    const stored = [...await this.#listLayers(await this.#getImage(instance))];
    const named = empty.filter((isEmpty) => !isEmpty).length;
    if (stored.length !== named) {
      throw new ManifestsError(
        "STORE_CORRUPT",
        `Cannot read ${this.reference}: its manifest names ${named} layers, but the store has ${stored.length}`,
      );
    }
    const mediaType = image.kind === "oci-image" ? MEDIA_TYPES.ociLayer : MEDIA_TYPES.dockerLayer;
    const layers = image.layers.map((layer, i) =>
      empty[i] ? EMPTY_GZIP_LAYER.descriptor : this.#describe(layer, stored.shift()!, mediaType)
    );
    return layers.every((layer, i) => layer === image.layers[i]) ? undefined : layers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.store[Symbol.asyncDispose]();
  }

  /** Describes a layer as the store has it. The compression and the URLs in the manifest do not apply to it. */
  #describe(layer: Descriptor, { id, diffDigest, diffSize }: StoredLayer, mediaType: string): Descriptor {
    if (!diffDigest) {
      throw new ManifestsError(
        "LAYER_NOT_REPRODUCIBLE",
        `Cannot read layer ${id} of ${this.reference}: the store does not know its digest: pull or build the image again`,
      );
    }
    if (layer.digest === diffDigest && (layer.size === diffSize || diffSize === UNKNOWN_SIZE)) return layer;
    return { mediaType, digest: diffDigest, size: diffSize };
  }

  /** Returns the image that has a manifest: the opened image, or another one in the store. */
  #getImage(digest: Digest | undefined): Promise<StoredImage> {
    const { image, store, ids } = this.#opened;
    if (digest === undefined) return Promise.resolve(image);
    return this.#images.get(digest, async () => {
      const others = async () => (await store.listImages()).filter(({ digests }) => digests.includes(digest));
      const has = async (other: StoredImage) => await this.#readManifest(other, digest) !== undefined;
      let found = await has(image) ? image : undefined;
      for (const other of found ? [] : await others()) found ??= await has(other) ? other : undefined;
      if (!found) this.#fail(`manifest ${digest}`);
      ids.set(digest, found.id);
      return found;
    });
  }

  /** Reads the manifest with a digest from an image; without a digest, its main manifest. */
  async #readManifest(image: StoredImage, digest?: Digest): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (digest === undefined) return await this.#read(image, "manifest");
    const bytes = await this.#read(image, `manifest-${digest}`);
    if (bytes) return bytes;
    const main = await this.#read(image, "manifest");
    return main && manifestDigest(main, digestAlgorithm(digest)) === digest ? main : undefined;
  }

  async #read({ id }: StoredImage, key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return (await this.#opened.store.findImage(id, [key]))?.data.get(key);
  }

  async #listLayers({ topLayer }: StoredImage): Promise<readonly StoredLayer[]> {
    const { layers } = this.#opened.store;
    if (topLayer === undefined || !layers) return [];
    return await this.#layers.get(topLayer, () => layers.listLayers(topLayer));
  }

  #fail(what: string): never {
    throw new ManifestsError("NOT_FOUND", `Cannot read ${what} of ${this.reference}: the store does not have it`);
  }
}
