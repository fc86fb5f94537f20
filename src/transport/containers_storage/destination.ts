import type { DestinationAbilities, ImageDestination, InstanceOptions, NewBlob } from "../../image/room.ts";
import { type ByteStream, type CallOptions, concatBytes, readStream, type SignalOptions } from "../../internal/room.ts";
import { encodeSignature, type Signature } from "../../signature/room.ts";
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestHex,
  digestOf,
  manifestDigest,
  ManifestsError,
  MAX_CONFIG_SIZE,
  MEDIA_TYPES,
  type NamedReference,
  type ParsedImage,
  parseManifest,
  UNKNOWN_SIZE,
  verifyManifestDigest,
} from "../../spec/room.ts";
import type { BigData, ImageWriter } from "../../store/room.ts";
import { parseStoredConfig } from "./stored_config.ts";
import type { ContainersStorageReference } from "./reference.ts";
import { encodeSignatureSizes } from "./signatures.ts";

/** The place of a new image. */
export interface StorageTarget {
  /** Reference by which the destination was opened. */
  readonly reference: ContainersStorageReference;
  /** Writes the image; the destination disposes it. */
  readonly writer: ImageWriter;
  /** Name of the image; `undefined` if it gets none. */
  readonly named: NamedReference | undefined;
  /** Id of the image. Default: the digest of its configuration, without the algorithm. */
  readonly id: string | undefined;
  /** The index from which the image was chosen, which is kept with it. */
  readonly index: Uint8Array<ArrayBuffer> | undefined;
}

/** An image in a local store, open for writing. Nothing is visible before `commit`. */
export class ContainersStorageDestination implements ImageDestination {
  readonly reference: ContainersStorageReference;
  readonly abilities: DestinationAbilities = {
    manifestTypes: [MEDIA_TYPES.ociManifest, MEDIA_TYPES.dockerManifest],
    keepsIndex: true,
  };
  readonly #target: StorageTarget;
  readonly #configs = new Map<Digest, Uint8Array<ArrayBuffer>>();
  #image: ParsedImage | undefined;
  #signatures: readonly Uint8Array<ArrayBuffer>[] = [];

  constructor(target: StorageTarget) {
    this.reference = target.reference;
    this.#target = target;
  }

  async findBlob({ digest, size }: Descriptor, { signal }: CallOptions = {}): Promise<number | undefined> {
    signal?.throwIfAborted();
    const found = this.#configs.get(digest)?.length ?? await this.#target.writer.findLayer(digest);
    return size === UNKNOWN_SIZE || found === size ? found : undefined;
  }

  async putBlob(blob: NewBlob, stream: ByteStream): Promise<void> {
    if (blob.role === "layer") {
      const describe = () => blob.digest ?? `with type ${blob.mediaType}`;
      return await this.#target.writer.putLayer({ describe, size: blob.size, measured: () => blob.measured() }, stream);
    }
    const bytes = await readStream(stream, MAX_CONFIG_SIZE);
    if (!bytes) {
      throw new ManifestsError(
        "LIMIT_EXCEEDED",
        `Cannot write to ${this.reference}: its configuration has more than ${MAX_CONFIG_SIZE} bytes`,
      );
    }
    this.#configs.set(blob.measured().digest, bytes);
  }

  // deno-lint-ignore require-await -- A rejected manifest must reject, not throw.
  async putManifest(
    bytes: Uint8Array<ArrayBuffer>,
    mediaType: string,
    { instance }: InstanceOptions = {},
  ): Promise<void> {
    if (instance !== undefined || !this.abilities.manifestTypes.includes(mediaType)) {
      throw new ManifestsError(
        "MANIFEST_REJECTED",
        `Cannot write a manifest to ${this.reference}: the store accepts one OCI or Docker schema 2 image, not ${
          instance === undefined ? JSON.stringify(mediaType) : `instance ${instance}`
        }`,
      );
    }
    this.#assertDigest(bytes);
    this.#image = parseManifest(bytes, mediaType) as ParsedImage;
  }

  supportsSignatures(): Promise<true> {
    return Promise.resolve(true);
  }

  putSignatures(signatures: readonly Signature[]): Promise<void> {
    this.#signatures = signatures.map(encodeSignature);
    return Promise.resolve();
  }

  async commit({ signal }: SignalOptions = {}): Promise<void> {
    const image = this.#image;
    if (!image) throw new TypeError(`Cannot write ${this.reference}: its manifest has not been written`);
    const config = image.config && this.#configs.get(image.config.digest);
    if (!image.config || !config) {
      throw new ManifestsError(
        "CONVERSION_NOT_SUPPORTED",
        `Cannot write to ${this.reference}: the manifest has no configuration, so it is not an image`,
      );
    }
    const { named, id = this.#getId(image.config.digest), writer } = this.#target;
    const { diffIds, created } = parseStoredConfig(config, image, String(this.reference));
    const digest = manifestDigest(image.bytes);
    await writer.commit({
      id,
      names: named ? [String(named.digest === undefined ? named : named.trimmed().withDigest(named.digest))] : [],
      items: this.#listItems(image, config),
      metadata: encodeSignatureSizes(digest, this.#signatures),
      created,
      layers: image.layers.map((layer, i) => ({ digest: layer.digest, diffId: diffIds[i]! })),
    }, { signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#target.writer[Symbol.asyncDispose]();
  }

  /** Returns the id of the image. Podman cannot list the images of a store if one has an id of another length. */
  #getId(config: Digest): string {
    if (digestAlgorithm(config) === "sha256") return digestHex(config);
    throw new ManifestsError(
      "MANIFEST_REJECTED",
      `Cannot write to ${this.reference}: its configuration has the digest ${config}, of which no id can be made: add an id of 64 hexadecimal digits to the name, as in NAME@ID`,
    );
  }

  /** Returns the items in the order of c/image: the first manifest gives the record its digest. */
  #listItems(image: ParsedImage, config: Uint8Array<ArrayBuffer>): BigData[] {
    const { index } = this.#target;
    const digest = manifestDigest(image.bytes);
    const items: BigData[] = [{ key: image.config!.digest, bytes: config }];
    if (index) items.push({ key: `manifest-${manifestDigest(index)}`, bytes: index });
    items.push({ key: `manifest-${digest}`, bytes: image.bytes }, { key: "manifest", bytes: image.bytes });
    if (this.#signatures.length === 0) return items;
    const signatures = concatBytes(this.#signatures);
    return [...items, { key: "signatures", bytes: signatures }, {
      key: `signature-${digestHex(digest)}`,
      bytes: signatures,
    }];
  }

  /** A digest in the name is that of the manifest, or of the index that is kept with it. */
  #assertDigest(bytes: Uint8Array): void {
    const expected = this.#target.named?.digest;
    const { index } = this.#target;
    if (expected === undefined || (index && digestOf(index) === expected)) return;
    verifyManifestDigest(bytes, expected, `the manifest for ${this.reference}`);
  }
}
