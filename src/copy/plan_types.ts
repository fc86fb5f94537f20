import type { BlobOrigin, InstancePlace } from "../image/room.ts";
import type { Signature } from "../signature/room.ts";
import type { Descriptor, Digest, ParsedImage, ParsedIndex } from "../spec/room.ts";
import type { LayerPolicy } from "./layer_policy.ts";
import type { Algorithm } from "./recoding/mod.ts";
import { listReachable } from "./walk.ts";

/** The validated options of a copy that its plan depends on; see `CopyOptions`. */
export interface CopySettings {
  /** The only media type of image manifests that may be written; `undefined`: any. */
  readonly manifestType?: string | undefined;
  /** Algorithm for layers that are compressed during the copy; `undefined`: see `LayerPolicy.algorithm`. */
  readonly compressionFormat?: Algorithm | undefined;
  /** Compression level; `undefined`: the default of the algorithm. */
  readonly compressionLevel?: number | undefined;
  /** Whether all layers must be compressed with `compressionFormat`. Default: `false`. */
  readonly forceCompressionFormat?: boolean | undefined;
  /** Compressions in which each platform of a list must exist. Default: none. */
  readonly addCompression?: readonly Algorithm[] | undefined;
  /** The reason why no manifest may change; `undefined`: all may. */
  readonly fixed?: string | undefined;
}

/** A blob that the destination will have after the copy. */
export interface PlannedBlob {
  /** The blob as the source returns it. */
  readonly descriptor: Descriptor;
  /** Whether the blob is a layer or a configuration. */
  readonly role: "layer" | "config";
  /** The manifest for which the blob is read from the source. */
  readonly place: InstancePlace;
  /** The repository from which the blob can be mounted; `undefined`: unknown, or there is none. */
  readonly origin: BlobOrigin | undefined;
  /** How the blob may or must be compressed. */
  readonly policy: LayerPolicy;
}

/** Common members of planned images and indexes. */
export interface PlannedManifest {
  /** Digest of the manifest at the source. */
  readonly digest: Digest;
  /** Media types in which it may be written, best first. */
  readonly types: readonly string[];
  /** The reason why it must not change; `undefined`: it may. */
  readonly fixed: string | undefined;
  /** Existing signatures that are copied with it. */
  readonly signatures: readonly Signature[];
  /** Referrers of the manifest that are copied with it. */
  readonly referrers: readonly PlannedNode[];
  /** Whether it is copied because it is a referrer of another manifest; referrers are not signed. */
  readonly isReferrer: boolean;
}

/** A planned image or instance of a list. */
export interface PlannedImage extends PlannedManifest {
  /** Discriminator of planned images and indexes. */
  readonly kind: "image";
  /** The manifest at the source. */
  readonly manifest: ParsedImage;
  /** Identifies the manifest at the source. */
  readonly place: InstancePlace;
  /** Compression of an additional variant; `undefined`: the image itself. */
  readonly variant: Algorithm | undefined;
  /** Layers of the image, base layer first. */
  readonly layers: readonly PlannedBlob[];
  /** Configuration of the image; `undefined` in schema 1. */
  readonly config: PlannedBlob | undefined;
}

/** A planned index, which is written after all manifests that it names. */
export interface PlannedIndex extends PlannedManifest {
  /** Discriminator of planned images and indexes. */
  readonly kind: "index";
  /** The index at the source. */
  readonly manifest: ParsedIndex;
  /** Members that are copied, each followed by its variants. */
  readonly members: readonly PlannedMember[];
  /** Whether all manifests that it names are copied. */
  readonly whole: boolean;
}

/** A planned image or index. */
export type PlannedNode = PlannedImage | PlannedIndex;

/** An existing or additional member of a planned index. */
export interface PlannedMember {
  /** An image, a variant of one, or an index. */
  readonly node: PlannedNode;
  /** Indexes of the entries for which a variant entry is added; `undefined` for the original instance. */
  readonly variantEntries: readonly number[] | undefined;
}

/** Lists the indexes of a plan without duplicates, outermost first, except referrers and their parts. */
export function listIndexes(top: PlannedNode): readonly PlannedIndex[] {
  return listReachable(top, listMembers).filter((node) => node.kind === "index");
}

/** Lists all planned manifests without duplicates, starting with the top-level one. */
export function listPlanned(top: PlannedNode): readonly PlannedNode[] {
  return listReachable(top, (node) => [...listMembers(node), ...node.referrers]);
}

function listMembers(node: PlannedNode): readonly PlannedNode[] {
  return node.kind === "index" ? node.members.map((member) => member.node) : [];
}

/** Lists the blobs of an image, layers first. */
export function listPlannedBlobs({ layers, config }: PlannedImage): readonly PlannedBlob[] {
  return [...layers, ...config ? [config] : []];
}

/** Everything that a copy will write. */
export interface CopyPlan {
  /** The manifest that the destination's name will have. */
  readonly top: PlannedNode;
  /** All images without duplicates, in the order of the list, including those of nested indexes and referrers. */
  readonly images: readonly PlannedImage[];
}
