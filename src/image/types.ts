import type { ByteStream, CallOptions, SignalOptions } from "../internal/room.ts";
import type { Signature } from "../signature/room.ts";
import type { Descriptor, Digest, NamedReference, ParsedImage } from "../spec/room.ts";
import type { SystemContext } from "./system_context.ts";

/** Selects one manifest of a list or index. */
export interface InstancePlace {
  /** Digest of an instance, or of the manifest that the reference itself names. `undefined`: that manifest. */
  readonly instance?: Digest | undefined;
  /**
   * The instance of the list through which this manifest was found, if the list does not name it directly: a nested
   * index that contains it, or the subject that it refers to. The manifest is stored at the same place as this ancestor.
   * `undefined`: the list names the manifest directly.
   */
  readonly ancestor?: Digest | undefined;
}

/** Options of the call that finds one manifest without reading it. */
export interface FindManifestOptions extends InstanceOptions {
  /**
   * Save a request: an existing manifest may be missed at a place that cannot be asked without reading. Default: `false`.
   */
  readonly headOnly?: boolean | undefined;
}

/** Options of the calls that read one manifest of a list or index. */
export interface InstanceOptions extends CallOptions, InstancePlace {}

/** Options of the call that lists the referrers of a manifest. */
export interface ReferrersOptions extends CallOptions, Pick<InstancePlace, "ancestor"> {}

/** Options of the call that writes one manifest. */
export interface WriteManifestOptions extends InstanceOptions {
  /**
   * The digest that the destination's name must have before the write; `null`: the name must not exist. Otherwise the
   * write fails with code `CONFLICT`. Only for the manifest of the name itself. Default: no condition.
   */
  ifMatch?: Digest | null | undefined;
  /** The digest under which the manifest is written. Default: `instance`, else the SHA-256 digest of the bytes. */
  digest?: Digest | undefined;
  /**
   * The same write was attempted before and may have succeeded: finding its own result is not a conflict. Default:
   * `false`.
   */
  repeated?: boolean | undefined;
}

/** A manifest's bytes as the source returned them, not verified. */
export interface ManifestBytes {
  /** The exact bytes of the manifest. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The media type that the source reports, such as a `Content-Type`; `undefined`: it reports none. */
  readonly mediaType?: string | undefined;
  /** The digest by which the source names the manifest; callers verify it. `undefined`: SHA-256 of the bytes. */
  readonly digest?: Digest | undefined;
}

/** A manifest whose signatures are read. */
export interface SignedManifest extends Pick<InstancePlace, "ancestor"> {
  /** Digest of the manifest whose signatures are read. */
  readonly digest: Digest;
  /** Whether the manifest is an instance of a list, rather than the manifest that the reference names. */
  readonly isInstance: boolean;
}

/** A manifest that was written and whose signatures are stored next. */
export interface StoredManifest extends SignedManifest {
  /** Media type under which the manifest was written. */
  readonly mediaType: string;
  /** Size of the manifest, in bytes. */
  readonly size: number;
}

/** An existing copy of a blob, for destinations that can mount it from there without moving bytes. */
export interface BlobOrigin {
  /** The place inside which blobs can be mounted, such as `docker://quay.io`. */
  readonly scope: string;
  /** The repository inside that place. */
  readonly location: string;
}

/** Options for {@linkcode ImageReference.openDestination}. */
export interface OpenDestinationOptions {
  /**
   * The modification time of the files that are created, if the destination records one: archives do. Default: what the
   * destination chooses, which is 1970 for archives. Go: `DestinationTimestamp`.
   */
  readonly timestamp?: Date | undefined;
  /**
   * The index from which the image was chosen, for a destination that keeps it with the image: `containers-storage:` does.
   * `undefined`: the image was not chosen from an index. Go: `UnparsedToplevel`.
   */
  readonly index?: Uint8Array<ArrayBuffer> | undefined;
}

/** The name of an image at some place. Immutable; holds no open resources. Go: `types.ImageReference`. */
export interface ImageReference {
  /** Name of the transport, such as `docker` or `oci`. */
  readonly transport: string;
  /** The reference without the transport's name, as in `//quay.io/me/app:1`. */
  readonly stringWithinTransport: string;
  /** The registry name of the image; `undefined`: the place is not a registry and stores no such name. */
  readonly dockerReference?: NamedReference | undefined;
  /** The scope of `policy.json` that is looked up first. */
  readonly policyConfigurationIdentity: string;
  /** The scopes of `policy.json` that are looked up next, most specific first. */
  readonly policyConfigurationNamespaces: readonly string[];
  /**
   * Returns a reference to exactly this manifest at the same place, independent of later changes of a tag. Absent: the
   * transport has no such references.
   */
  withDigest?(digest: Digest): ImageReference;
  /** Returns the same reference with an absolute path. Absent: the reference does not depend on the working directory. */
  absolute?(): ImageReference;
  /** Opens the image for reading; the caller disposes the source. */
  openSource(context?: SystemContext): Promise<ImageSource>;
  /**
   * Opening the destination changes nothing and needs no options, so that it may be opened before the source is read.
   * Default: `false`.
   */
  readonly opensEarly?: boolean | undefined;
  /** Opens the image for writing; the caller disposes the destination. */
  openDestination(context?: SystemContext, options?: OpenDestinationOptions): Promise<ImageDestination>;
  /** Returns transport and reference, as in `docker://quay.io/me/app:1`. */
  toString(): string;
}

/** An image that is open for reading. Go: `types.ImageSource`. */
export interface ImageSource extends AsyncDisposable {
  /** The reference that was opened. */
  readonly reference: ImageReference;
  /** Reads the manifest of the image or of an instance. Callers verify it. */
  getManifest(options?: InstanceOptions): Promise<ManifestBytes>;
  /** Reads a blob of the image or of an instance. Callers verify it. */
  getBlob(descriptor: Descriptor, options?: InstanceOptions): Promise<ByteStream>;
  /**
   * Returns the size of a blob in bytes without reading it, or `UNKNOWN_SIZE` if the place does not report it;
   * `undefined` if the place does not have the blob, as with layers that are stored at external URLs. Absent: the place
   * cannot find out without reading.
   */
  findBlob?(descriptor: Descriptor, options?: InstanceOptions): Promise<number | undefined>;
  /**
   * Returns the layers as {@linkcode ImageSource.getBlob} returns them, if their form differs from the manifest's, for
   * example because they are stored uncompressed: one for each layer of the manifest, in its order. `undefined`: the
   * layers are as the manifest describes them.
   */
  layersForCopy?(image: ParsedImage, options?: InstanceOptions): Promise<readonly Descriptor[] | undefined>;
  /**
   * Returns the reference from which an instance is read, if that is not the list's own place; `undefined`: it is. Absent:
   * all instances are at the place of the list.
   */
  findOrigin?(place: InstancePlace): Promise<ImageReference | undefined>;
  /** Reads all stored signatures of a manifest, not verified. Absent: the place stores no signatures. */
  getSignatures?(manifest: SignedManifest, options?: CallOptions): Promise<readonly Signature[]>;
  /**
   * Lists the referrers of a manifest that the place has; each can be read like an instance. Absent: the place does not
   * support referrers.
   */
  listReferrers?(subject: Digest, options?: ReferrersOptions): Promise<readonly Descriptor[]>;
  /** Returns the repository from which a destination can mount a blob; `undefined`: it cannot be mounted. */
  blobOrigin?(descriptor: Descriptor, options?: InstanceOptions): Promise<BlobOrigin | undefined>;
}

/** Compression that a destination requires of layers: compressed, uncompressed, or as they are at the source. */
export type LayerCompressionMode = "compress" | "decompress" | "preserve";

/** Capabilities of a destination, from which a copy is planned. */
export interface DestinationAbilities {
  /** Media types of manifests that it accepts, in order of preference; empty: any. */
  readonly manifestTypes: readonly string[];
  /**
   * Additional media types that it accepts if the manifest must not change; other manifests of these types are converted.
   * Default: none.
   */
  readonly preservedManifestTypes?: readonly string[] | undefined;
  /**
   * The place inside which {@linkcode ImageDestination.mountBlob} works, compared with {@linkcode BlobOrigin.scope}.
   * `undefined`: blobs cannot be mounted.
   */
  readonly mountScope?: string | undefined;
  /** Compression that it requires of layers. Default: `preserve`. */
  readonly layerCompression?: LayerCompressionMode | undefined;
  /** Whether layers that are stored at external URLs may stay there. Default: `false`, they are copied. */
  readonly keepsForeignLayers?: boolean | undefined;
  /** Whether several blobs may be written concurrently. Default: `true`. */
  readonly parallelBlobs?: boolean | undefined;
  /** Whether it supports {@linkcode WriteManifestOptions.ifMatch}. Default: `false`. */
  readonly conditionalWrites?: boolean | undefined;
  /**
   * Whether it keeps {@linkcode OpenDestinationOptions.index}: its name may then have the digest of that index. Default:
   * `false`.
   */
  readonly keepsIndex?: boolean | undefined;
  /** Whether referrers can be found by their subject after they were written. Default: `false`. */
  readonly referrers?: boolean | undefined;
}

/** Digest and size of a blob. */
export interface BlobIdentity {
  /** Digest of the blob's bytes. */
  readonly digest: Digest;
  /** Size of the blob in bytes. */
  readonly size: number;
}

/** A blob that is about to be written. */
export interface NewBlob {
  /** Media type of the blob in the manifest. */
  readonly mediaType: string;
  /** Whether the blob is a layer or an image's configuration. */
  readonly role: "layer" | "config";
  /** Digest of the blob; `undefined`: known only when the stream has ended, as with layers that are compressed on the way. */
  readonly digest?: Digest | undefined;
  /** Size of the blob in bytes, or `UNKNOWN_SIZE`. */
  readonly size: number;
  /**
   * Opens the same bytes again from an offset, in bytes, to resume a broken upload. `undefined`: they cannot be read
   * again, as with layers that are compressed on the way.
   */
  readonly reopen?: ((offset: number) => Promise<ByteStream>) | undefined;
  /** Returns digest and size of the bytes that the stream returned. Throws before the stream has ended. */
  measured(): BlobIdentity;
}

/**
 * An image that is open for writing. After disposal without `commit`, it is undefined which writes are visible. Go:
 * `types.ImageDestination`.
 */
export interface ImageDestination extends AsyncDisposable {
  /** The reference that was opened. */
  readonly reference: ImageReference;
  /** The capabilities of this destination. */
  readonly abilities: DestinationAbilities;
  /**
   * Connects to the place and authenticates, so that the first call does not wait for that. Absent: nothing can be done in
   * advance.
   *
   * @param from The image from which blobs will be mounted, if it is inside the mount scope.
   */
  connect?(from: ImageReference, options?: CallOptions): Promise<void>;
  /**
   * Finds an existing blob and returns its size in bytes; `undefined` if it does not exist, or if its size differs from
   * the descriptor's. A descriptor with `UNKNOWN_SIZE` matches any size.
   */
  findBlob(descriptor: Descriptor, options?: CallOptions): Promise<number | undefined>;
  /**
   * Mounts a blob from another repository inside the mount scope; `false`: it was not mounted and must be written. Absent:
   * the destination cannot mount, and every blob is written.
   */
  mountBlob?(descriptor: Descriptor, origin: BlobOrigin, options?: CallOptions): Promise<boolean>;
  /**
   * Prepares to write a blob while it is being opened at the source; returns at once. A failure is reported by the
   * `putBlob` of that blob. Absent: nothing can be done in advance.
   */
  prepareBlob?(digest: Digest, options?: CallOptions): void;
  /**
   * Writes a blob. It becomes visible only if the stream ends without an error: the caller verifies the stream and makes
   * it fail if the bytes are wrong.
   */
  putBlob(blob: NewBlob, stream: ByteStream, options?: CallOptions): Promise<void>;
  /**
   * Finds the current manifest of an instance, or of the image's own name if `instance` is `undefined`, and returns its
   * digest; `undefined`: it does not exist. Absent: the destination cannot find out without reading.
   */
  findManifest?(options?: FindManifestOptions): Promise<Digest | undefined>;
  /**
   * Writes the manifest of an instance, or of the image's own name if `instance` is `undefined`. Fails with code
   * `MANIFEST_REJECTED` if a manifest of another type might be accepted.
   *
   * @returns Whether the name had this manifest before the write; `undefined` if the destination cannot find out.
   */
  putManifest(
    bytes: Uint8Array<ArrayBuffer>,
    mediaType: string,
    options?: WriteManifestOptions,
  ): Promise<{ readonly unchanged: boolean } | void>;
  /**
   * Returns `true` if signatures of this kind can be stored, else the reason why not. Called before anything is written,
   * and only if there are such signatures, because the answer can need a request. Absent: no signatures can be stored.
   * Go: `SupportsSignatures`.
   */
  supportsSignatures?(kind: Signature["kind"], options?: CallOptions): Promise<true | string>;
  /**
   * Stores signatures of a manifest that was written, in addition to existing ones that are still valid. Absent: no
   * signatures can be stored; then `supportsSignatures` is absent, too.
   */
  putSignatures?(
    signatures: readonly Signature[],
    manifest: StoredManifest,
    options?: CallOptions,
  ): Promise<void>;
  /** Makes everything that was written visible at once. */
  commit(options?: SignalOptions): Promise<void>;
}

/** One kind of place where images are stored. */
export interface Transport {
  /** Name of the transport, as in `docker`. */
  readonly name: string;
  /**
   * Parses the text after the transport's name and the colon.
   *
   * @throws {ManifestsError} With code `INVALID_REFERENCE` if the text is not valid.
   */
  parseReference(text: string): ImageReference;
}

/** Parses names of images, so that `list` and `copy` need no list of transports. */
export interface TransportTable {
  /**
   * Parses `transport:reference`.
   *
   * @throws {ManifestsError} With code `INVALID_REFERENCE`, `UNSUPPORTED_TRANSPORT` or `TRANSPORT_NOT_SUPPORTED`.
   */
  parseImageName(name: string): ImageReference;
}
