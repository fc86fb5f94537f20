import type { ByteStream, CallOptions, SignalOptions } from "../internal/room.ts";
import type { Signature } from "../signature/room.ts";
import type { Descriptor, Digest, NamedReference, ParsedImage } from "../spec/room.ts";
import type { SystemContext } from "./system_context.ts";

/** Which image of several is meant. */
export interface InstancePlace {
  /** The instance, or the digest of the image's own manifest; `undefined` is the image itself. */
  readonly instance?: Digest | undefined;
  /**
   * The instance of the list below which it was found, where the list itself does not name it: an index that has it, or
   * what it is about. It is where that is. `undefined`: the list itself names it.
   */
  readonly ancestor?: Digest | undefined;
}

/** Options of the calls that read one image of several. */
export interface InstanceOptions extends CallOptions, InstancePlace {}

/** Options of the call that lists what is about a manifest. */
export interface ReferrersOptions extends CallOptions, Pick<InstancePlace, "ancestor"> {}

/** Options of the call that writes a manifest. */
export interface WriteManifestOptions extends InstanceOptions {
  /** The digest that must be there before, `null`: nothing. Fails with code `CONFLICT`. Of the image's own only. */
  ifMatch?: Digest | null | undefined;
  /** The digest by which the manifest is known, so that it keeps its algorithm. Default: `instance`, else by SHA-256. */
  digest?: Digest | undefined;
  /** Whether the same was tried before and may have worked, so that it is no conflict with itself; default: `false`. */
  repeated?: boolean | undefined;
}

/** A manifest's bytes, as a source has them: not verified. */
export interface ManifestBytes {
  /** The exact bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What the source says that it is, such as a `Content-Type`; `undefined` where it says nothing. */
  readonly mediaType?: string | undefined;
  /** The digest by which the source names it; callers verify it. Default: by SHA-256. */
  readonly digest?: Digest | undefined;
}

/** A manifest that signatures are about. */
export interface SignedManifest extends Pick<InstancePlace, "ancestor"> {
  /** Its digest. */
  readonly digest: Digest;
  /** Whether it is an instance of a list, not what the reference names. */
  readonly isInstance: boolean;
}

/** A manifest that was written, and whose signatures are to be kept. */
export interface StoredManifest extends SignedManifest {
  /** Its media type. */
  readonly mediaType: string;
  /** Its size in bytes. */
  readonly size: number;
}

/** Where a blob is known to be, for destinations that can take it from there without moving bytes. */
export interface BlobOrigin {
  /** The place within which blobs can be mounted, such as `docker://quay.io`. */
  readonly scope: string;
  /** Where in that place: a repository. */
  readonly location: string;
}

/** Options for {@linkcode ImageReference.openDestination}. */
export interface OpenDestinationOptions {
  /**
   * The time that is recorded for what is created, where the destination records one: for the members of archives.
   * Default: as the destination does it, which is 1970 for archives. Go: `DestinationTimestamp`.
   */
  readonly timestamp?: Date | undefined;
}

/** A name for an image in some place. Go: `types.ImageReference`. Immutable; holds nothing open. */
export interface ImageReference {
  /** Name of the transport, such as `docker`. */
  readonly transport: string;
  /** The reference without the transport's name, as in `//quay.io/me/app:1`. */
  readonly stringWithinTransport: string;
  /** The name in a registry, where it is one. */
  readonly dockerReference?: NamedReference | undefined;
  /** What `policy.json` scopes are compared with first. */
  readonly policyConfigurationIdentity: string;
  /** What they are compared with next, most specific first. */
  readonly policyConfigurationNamespaces: readonly string[];
  /** The same place, but exactly this manifest, whatever a tag points at later; where the transport can say that. */
  withDigest?(digest: Digest): ImageReference;
  /** The same place, named so that a program which runs in another folder finds it; where that makes a difference. */
  absolute?(): ImageReference;
  /** Opens the image for reading. */
  openSource(context?: SystemContext): Promise<ImageSource>;
  /** Opens the image for writing. */
  openDestination(context?: SystemContext, options?: OpenDestinationOptions): Promise<ImageDestination>;
  /** Transport and reference: `docker://quay.io/me/app:1`. */
  toString(): string;
}

/** An image that is open for reading. Go: `types.ImageSource`. */
export interface ImageSource extends AsyncDisposable {
  /** What was opened. */
  readonly reference: ImageReference;
  /** The manifest, or that of an instance. Callers verify it. */
  getManifest(options?: InstanceOptions): Promise<ManifestBytes>;
  /** A blob of the image or of an instance. Callers verify it. */
  getBlob(descriptor: Descriptor, options?: InstanceOptions): Promise<ByteStream>;
  /**
   * Returns the size of a blob in bytes without reading it, or `UNKNOWN_SIZE` if the place does not say; `undefined` if
   * the place itself does not have it, as with layers that live at URLs of their own. Absent: the place cannot tell.
   */
  findBlob?(descriptor: Descriptor, options?: InstanceOptions): Promise<number | undefined>;
  /**
   * The layers as {@linkcode ImageSource.getBlob} gives them, where that is another form than the manifest says, such
   * as without compression: as many as the manifest's, in its order. `undefined`: they are as the manifest says.
   */
  layersForCopy?(image: ParsedImage, options?: InstanceOptions): Promise<readonly Descriptor[] | undefined>;
  /** What an instance goes by where it comes from, where that is somewhere else than the list. */
  findOrigin?(place: InstancePlace): Promise<ImageReference | undefined>;
  /** All signatures that the place keeps of a manifest. Nobody has verified them. Absent: it keeps none. */
  getSignatures?(manifest: SignedManifest, options?: CallOptions): Promise<readonly Signature[]>;
  /**
   * The manifests that are about a manifest, as far as the place knows; each is read as an instance. Absent: the place
   * keeps no account of them.
   */
  listReferrers?(subject: Digest, options?: ReferrersOptions): Promise<readonly Descriptor[]>;
  /** Where a blob lives, for mounting; `undefined` where nothing can mount from it. */
  blobOrigin?(descriptor: Descriptor, options?: InstanceOptions): Promise<BlobOrigin | undefined>;
}

/** What a destination wants to be done with the compression of layers. */
export type LayerCompressionMode = "compress" | "decompress" | "preserve";

/** What a destination can do. Data for the planner: abilities may change cost, never outcome. */
export interface DestinationAbilities {
  /** Media types of manifests that it takes, in order of preference; empty means any. */
  readonly manifestTypes: readonly string[];
  /** Further media types, of manifests that must not change and would else be converted. Default: none. */
  readonly preservedManifestTypes?: readonly string[] | undefined;
  /** The place within which {@linkcode ImageDestination.mountBlob} works; compare with {@linkcode BlobOrigin.scope}. */
  readonly mountScope?: string | undefined;
  /** What it wants of layers; default: `preserve`. */
  readonly layerCompression?: LayerCompressionMode | undefined;
  /** Whether layers that live at URLs of their own may stay there; default: `false`, they are copied. */
  readonly keepsForeignLayers?: boolean | undefined;
  /** Whether several blobs may be written at once; default: `true`. */
  readonly parallelBlobs?: boolean | undefined;
  /** Whether its own manifest can be written under the condition that nobody else did; default: `false`. */
  readonly conditionalWrites?: boolean | undefined;
  /** Whether a manifest that is about another one is found there by that; default: `false`. */
  readonly referrers?: boolean | undefined;
}

/** Digest and size of content. */
export interface BlobIdentity {
  /** Its digest. */
  readonly digest: Digest;
  /** Its size in bytes. */
  readonly size: number;
}

/** A blob that is about to be written. */
export interface NewBlob {
  /** What a manifest will say that it is. */
  readonly mediaType: string;
  /** Whether it is an image's configuration, or a layer. */
  readonly role: "layer" | "config";
  /** Its digest; `undefined` where only its end tells, as with what is compressed on the way. */
  readonly digest?: Digest | undefined;
  /** Its size in bytes, or `UNKNOWN_SIZE`. */
  readonly size: number;
  /**
   * The same bytes once more, from an offset on, for a destination where writing broke off; `undefined` where they cannot
   * be had again, as with what is compressed on the way.
   */
  readonly reopen?: ((offset: number) => Promise<ByteStream>) | undefined;
  /** Digest and size of what the stream gave. Known once the stream has ended, and not before. */
  measured(): BlobIdentity;
}

/** An image that is open for writing. Go: `types.ImageDestination`. Disposing without `commit` promises nothing. */
export interface ImageDestination extends AsyncDisposable {
  /** What was opened. */
  readonly reference: ImageReference;
  /** What it can do. */
  readonly abilities: DestinationAbilities;
  /**
   * Finds a blob that is there already and returns its size in bytes; `undefined` where it is not there, or has another
   * size than the descriptor says (`UNKNOWN_SIZE` there: any will do).
   */
  findBlob(descriptor: Descriptor, options?: CallOptions): Promise<number | undefined>;
  /** Takes a blob from another location within the mount scope; `false` where that did not work. */
  mountBlob?(descriptor: Descriptor, origin: BlobOrigin, options?: CallOptions): Promise<boolean>;
  /**
   * Writes a blob. Nothing is published unless the stream ends well. The caller has verified what passes: a stream
   * that is wrong fails before its end.
   */
  putBlob(blob: NewBlob, stream: ByteStream, options?: CallOptions): Promise<void>;
  /**
   * The digest of the manifest that an instance, or, if `instance` is `undefined`, the image's own name means now, if
   * any. Absent: it cannot be found out without reading.
   */
  findManifest?(options?: InstanceOptions): Promise<Digest | undefined>;
  /**
   * Writes the manifest of an instance, or, if `instance` is `undefined`, the image's own. Fails with code
   * `MANIFEST_REJECTED` if another type of manifest might be accepted.
   *
   * @returns Whether the destination had the manifest under this name already; nothing if it cannot tell.
   */
  putManifest(
    bytes: Uint8Array<ArrayBuffer>,
    mediaType: string,
    options?: WriteManifestOptions,
  ): Promise<{ readonly unchanged: boolean } | void>;
  /**
   * Whether signatures of a kind are kept, or why not: asked before anything is written, and only where there are such
   * signatures, since a registry may have to be asked. Absent: there is no place for any. Go: `SupportsSignatures`.
   */
  supportsSignatures?(kind: Signature["kind"], options?: CallOptions): Promise<true | string>;
  /** Keeps signatures of a manifest that was written: these, and those that are there and stay valid. */
  putSignatures?(
    signatures: readonly Signature[],
    manifest: StoredManifest,
    options?: CallOptions,
  ): Promise<void>;
  /** Makes all that was written visible, at once. */
  commit(options?: SignalOptions): Promise<void>;
}

/** One kind of place where images live. */
export interface Transport {
  /** Its name, as in `docker`. */
  readonly name: string;
  /** Parses what follows the name and a colon. Throws `INVALID_REFERENCE`. */
  parseReference(text: string): ImageReference;
}

/** Parses names of images; the only thing that `list` and `copy` know of transports. */
export interface TransportTable {
  /** Parses `transport:reference`; throws `INVALID_REFERENCE` or `UNSUPPORTED_TRANSPORT`. */
  parseImageName(name: string): ImageReference;
}
