import type { BlobOrigin, InstancePlace } from "../image/room.ts";
import type { Signature } from "../signature/room.ts";
import type { Descriptor, Digest, ParsedImage, ParsedIndex } from "../spec/room.ts";
import type { LayerPolicy } from "./layer_policy.ts";
import type { Algorithm } from "./recoding/mod.ts";
import { listReachable } from "./walk.ts";

/** What a caller wants to become of the images; see `CopyOptions`. */
export interface CopySettings {
  /** The only type of image manifest that may be written; `undefined`: what fits best. */
  readonly manifestType?: string | undefined;
  /** The algorithm for layers that are compressed on the way. */
  readonly compressionFormat?: Algorithm | undefined;
  /** Its level. */
  readonly compressionLevel?: number | undefined;
  /** Whether layers that are compressed otherwise are no substitute for those of `compressionFormat`. */
  readonly forceCompressionFormat?: boolean | undefined;
  /** The compressions that every platform of a list shall have. */
  readonly addCompression?: readonly Algorithm[] | undefined;
  /** Why nothing may change; `undefined` where everything may. */
  readonly fixed?: string | undefined;
}

/** A blob that will be at the destination. */
export interface PlannedBlob {
  /** The blob as the source gives it. */
  readonly descriptor: Descriptor;
  /** Whether it is a layer or a configuration. */
  readonly role: "layer" | "config";
  /** In whose name the source is asked for it. */
  readonly place: InstancePlace;
  /** Where it is at the source, as far as that says. */
  readonly origin: BlobOrigin | undefined;
  /** What is wanted of its compression. */
  readonly policy: LayerPolicy;
}

/** What is common to everything that will be written. */
export interface PlannedManifest {
  /** Its digest at the source. */
  readonly digest: Digest;
  /** The types in which it may be written, best first. */
  readonly types: readonly string[];
  /** Why it must not change; `undefined` where it may. */
  readonly fixed: string | undefined;
  /** Its signatures that go with it. */
  readonly signatures: readonly Signature[];
  /** What is about it and goes with it. */
  readonly referrers: readonly PlannedNode[];
  /** Whether it is there because it is about another manifest. Such a one is not signed. */
  readonly isReferrer: boolean;
}

/** An image, or an instance of a list, that will be written. */
export interface PlannedImage extends PlannedManifest {
  /** Tells it from an index. */
  readonly kind: "image";
  /** Its manifest at the source. */
  readonly manifest: ParsedImage;
  /** What to ask the source for. */
  readonly place: InstancePlace;
  /** The compression of which it is a further variant; `undefined`: the image itself. */
  readonly variant: Algorithm | undefined;
  /** Its layers, base first. */
  readonly layers: readonly PlannedBlob[];
  /** Its configuration; absent in schema 1. */
  readonly config: PlannedBlob | undefined;
}

/** An index that will be written, after everything that it names. */
export interface PlannedIndex extends PlannedManifest {
  /** Tells it from an image. */
  readonly kind: "index";
  /** The index at the source. */
  readonly manifest: ParsedIndex;
  /** What is copied of it, each followed by its variants. */
  readonly members: readonly PlannedMember[];
  /** Whether all that it names is copied, and not only a part. */
  readonly whole: boolean;
}

/** Something that will be written. */
export type PlannedNode = PlannedImage | PlannedIndex;

/** What an index names, or will name. */
export interface PlannedMember {
  /** An image, a variant of one, or an index. */
  readonly node: PlannedNode;
  /** The positions of the entries that get one more entry for it; `undefined`: it is the instance itself. */
  readonly variantEntries: readonly number[] | undefined;
}

/** The indexes of a plan, outermost first and each once; not those that are referrers, or parts of such. */
export function listIndexes(top: PlannedNode): readonly PlannedIndex[] {
  return listReachable(top, membersOf).filter((node) => node.kind === "index");
}

/** All that will be written, what the destination's name will mean first, and each once. */
export function listPlanned(top: PlannedNode): readonly PlannedNode[] {
  return listReachable(top, (node) => [...membersOf(node), ...node.referrers]);
}

function membersOf(node: PlannedNode): readonly PlannedNode[] {
  return node.kind === "index" ? node.members.map((member) => member.node) : [];
}

/** The blobs of an image, layers first. */
export function plannedBlobs({ layers, config }: PlannedImage): readonly PlannedBlob[] {
  return [...layers, ...config ? [config] : []];
}

/** What a copy will do; nothing in it has happened yet. */
export interface CopyPlan {
  /** What the destination's name will mean. */
  readonly top: PlannedNode;
  /** All images, in the order of the list and each once: also those of indexes inside it, and those that are referrers. */
  readonly images: readonly PlannedImage[];
}
