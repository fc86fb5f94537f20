import {
  type Digest,
  DigestMismatchError,
  getEntries,
  ManifestsError,
  type NamedReference,
  UNKNOWN_SIZE,
} from "../spec/room.ts";
import { cannotModify, listIndexTypes } from "./formats.ts";
import { planOperations } from "./operations.ts";
import { findFixReason, getForcedType, type PlanContext, planImage, predictCompression } from "./plan_image.ts";
import type { CopyPlan, CopySettings, PlannedImage, PlannedIndex, PlannedMember, PlannedNode } from "./plan_types.ts";
import { listImageBlobs, listNodes, type ReadImage, type ReadIndex, type ReadNode } from "./read_types.ts";
import type { Algorithm } from "./recoding/mod.ts";

/** Options of {@linkcode planCopy}. */
export interface PlanOptions extends PlanContext {
  /** The tree of manifests to copy, already read. */
  readonly top: ReadNode;
}

/**
 * Plans a copy, without any I/O, so that a copy that cannot succeed fails before anything is written.
 *
 * @throws {ManifestsError} With code `CANNOT_MODIFY`, `COMPRESSION_NOT_SUPPORTED`, `CONVERSION_NOT_SUPPORTED`,
 * `INVALID_DIGEST`, `INVALID_MANIFEST` or `MANIFEST_TYPE_NOT_SUPPORTED`.
 */
export function planCopy({ top, ...context }: PlanOptions): CopyPlan {
  const planner = new Planner(context, findFixedMembers(top, context.settings));
  const planned = planner.node(top, false);
  assertOneSize(planner.read);
  return { top: planned, images: planner.images };
}

/**
 * Finds the manifests below indexes that must not change, with the reason: a changed instance would change its index, which
 * would be noticed only after everything else was written.
 */
function findFixedMembers(top: ReadNode, settings: CopySettings): ReadonlyMap<ReadNode, string> {
  const reasons = new Map<ReadNode, string>();
  const reasonFor = (node: ReadNode) => findFixReason(settings, { isReferrer: false, ...node }) ?? reasons.get(node);
  const fixed = new Set(listNodes(top).filter((node) => reasonFor(node) !== undefined));
  // Iteration over a set includes the elements that are added during it.
  for (const node of fixed) {
    for (const member of node.kind === "index" ? node.members : []) {
      if (!reasons.has(member)) reasons.set(member, reasonFor(node)!);
      fixed.add(member);
    }
  }
  return reasons;
}

/** Plans a tree of manifests; one that occurs several times is planned once. */
class Planner {
  /** The planned images, in the order of the tree. */
  readonly images: PlannedImage[] = [];
  /** The same images at the source. */
  readonly read: ReadImage[] = [];
  readonly #options: PlanContext;
  readonly #fixReasons: ReadonlyMap<ReadNode, string>;
  readonly #nodes = new Map<ReadNode, Map<Algorithm | undefined, PlannedNode>>();

  constructor(options: PlanContext, fixReasons: ReadonlyMap<ReadNode, string>) {
    this.#options = options;
    this.#fixReasons = fixReasons;
  }

  /** Returns the options for a node: the members of a fixed index must not change either. */
  #getOptions(node: ReadNode): PlanContext {
    const { settings } = this.#options;
    const fixed = settings.fixed ?? this.#fixReasons.get(node);
    return fixed === undefined ? this.#options : { ...this.#options, settings: { ...settings, fixed } };
  }

  node(node: ReadNode, isReferrer: boolean, variant?: Algorithm): PlannedNode {
    const variants = this.#nodes.get(node) ?? new Map<Algorithm | undefined, PlannedNode>();
    this.#nodes.set(node, variants);
    const known = variants.get(variant);
    if (known) return known;
    const planned = node.kind === "image" ? this.#image(node, isReferrer, variant) : this.#index(node, isReferrer);
    variants.set(variant, planned);
    return planned;
  }

  #image(node: ReadImage, isReferrer: boolean, variant: Algorithm | undefined): PlannedImage {
    const position = this.images.length;
    const referrers = variant ? [] : node.referrers.map((referrer) => this.node(referrer, true));
    const image = planImage(node, this.#getOptions(node), { variant, isReferrer, referrers });
    this.images.splice(position, 0, image);
    this.read.push(node);
    return image;
  }

  #index(node: ReadIndex, isReferrer: boolean): PlannedIndex {
    const { manifest, members, digest, signatures } = node;
    const { settings, abilities } = this.#getOptions(node);
    const read = new Map(members.map((member) => [member.digest, member]));
    // Referrers and everything below them stay as they are.
    const addCompression = isReferrer ? [] : settings.addCompression ?? [];
    const operations = planOperations(manifest, {
      chosen: [...read.keys()],
      addCompression,
      getCompression: (digest) => predictCompression(read.get(digest), this.#options),
    });
    const fixed = findFixReason(settings, { isReferrer, ...node });
    const marksZstd = operations.some(({ variant }) => variant !== undefined && variant.algorithm !== "gzip");
    const types = listIndexTypes(manifest, {
      abilities,
      forced: getForcedType(settings, isReferrer),
      fixed,
      marksZstd,
    });
    if (fixed && addCompression.length > 0) throw cannotModify("add variants to the manifest list", fixed);
    if (fixed) assertCorrection(node, fixed);
    return {
      kind: "index",
      digest,
      manifest,
      types,
      fixed,
      signatures,
      isReferrer,
      members: operations.map(({ digest, variant }): PlannedMember => ({
        node: this.node(read.get(digest)!, isReferrer, variant?.algorithm),
        variantEntries: variant?.entries,
      })),
      whole: getEntries(manifest).every(({ digest }) => read.has(digest)),
      referrers: node.referrers.map((referrer) => this.node(referrer, true)),
    };
  }
}

/** Rejects an index that must not change if its entries are wrong, because the copy would correct them. */
function assertCorrection({ manifest, members }: ReadIndex, fixed: string): void {
  const read = new Map(members.map(({ digest, manifest }) => [digest, manifest]));
  for (const { digest, size, mediaType } of getEntries(manifest)) {
    const actual = read.get(digest);
    if (!actual || (size === actual.bytes.length && mediaType === actual.mediaType)) continue;
    throw cannotModify(`copy a manifest list with a wrong size or media type of instance ${digest}`, fixed);
  }
}

/** Rejects images that specify different sizes for one blob: at least one manifest is wrong and would be published. */
function assertOneSize(images: readonly ReadImage[]): void {
  const sizes = new Map<Digest, number>();
  for (const { digest: image, manifest, layers } of images) {
    for (const { digest, size } of listImageBlobs(manifest, layers)) {
      const other = sizes.get(digest) ?? size;
      if (size !== other && size !== UNKNOWN_SIZE && other !== UNKNOWN_SIZE) {
        throw new ManifestsError(
          "INVALID_MANIFEST",
          `Cannot copy image ${image}: it specifies ${size} bytes for blob ${digest}, another image specifies ${other}`,
        );
      }
      sizes.set(digest, Math.max(size, other));
    }
  }
}

/**
 * Fails if the destination's name has another digest than the manifest that would be written.
 *
 * @throws {DigestMismatchError} With the digest of the destination as the expected one.
 */
export function assertDigest(destination: NamedReference | undefined, digest: Digest): void {
  const expected = destination?.digest;
  if (expected === undefined || digest === expected) return;
  throw new DigestMismatchError(
    `the image for destination ${destination}`,
    expected,
    digest,
  );
}
