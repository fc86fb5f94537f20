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
import { compressionAfter, fixedBy, forcedType, type PlanContext, planImage } from "./plan_image.ts";
import type { CopyPlan, CopySettings, PlannedImage, PlannedIndex, PlannedMember, PlannedNode } from "./plan_types.ts";
import { blobsOf, listNodes, type ReadImage, type ReadIndex, type ReadNode } from "./read_types.ts";
import type { Algorithm } from "./recoding/mod.ts";

/** What {@linkcode planCopy} needs: everything was read before. */
export interface PlanOptions extends PlanContext {
  /** What will be copied. */
  readonly top: ReadNode;
}

/** Plans a copy. Pure. What cannot be done fails here, before anything is written. */
export function planCopy({ top, ...context }: PlanOptions): CopyPlan {
  const planner = new Planner(context, listHeld(top, context.settings));
  const planned = planner.node(top, false);
  assertTwoSizes(planner.read);
  return { top: planned, images: planner.images };
}

/**
 * Lists what is below indexes that must not change, with the reason: an instance that changed would change its index, which
 * would only be noticed after everything else was written.
 */
function listHeld(top: ReadNode, settings: CopySettings): ReadonlyMap<ReadNode, string> {
  const held = new Map<ReadNode, string>();
  const reasonFor = (node: ReadNode) => fixedBy(settings, { isReferrer: false, ...node }) ?? held.get(node);
  const fixed = new Set(listNodes(top).filter((node) => reasonFor(node) !== undefined));
  // A set is walked in the order in which it grows.
  for (const node of fixed) {
    for (const member of node.kind === "index" ? node.members : []) {
      if (!held.has(member)) held.set(member, reasonFor(node)!);
      fixed.add(member);
    }
  }
  return held;
}

/** Plans a tree. What occurs in it more than once is planned once. */
class Planner {
  /** The images, in the order in which they were met. */
  readonly images: PlannedImage[] = [];
  /** What they are at the source. */
  readonly read: ReadImage[] = [];
  readonly #options: PlanContext;
  readonly #held: ReadonlyMap<ReadNode, string>;
  readonly #nodes = new Map<ReadNode, Map<Algorithm | undefined, PlannedNode>>();

  constructor(options: PlanContext, held: ReadonlyMap<ReadNode, string>) {
    this.#options = options;
    this.#held = held;
  }

  /** The options for a node: what is held must not change, whatever the caller wants of the rest. */
  #optionsFor(node: ReadNode): PlanContext {
    const { settings } = this.#options;
    const fixed = settings.fixed ?? this.#held.get(node);
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
    const image = planImage(node, this.#optionsFor(node), { variant, isReferrer, referrers });
    this.images.splice(position, 0, image);
    this.read.push(node);
    return image;
  }

  #index(node: ReadIndex, isReferrer: boolean): PlannedIndex {
    const { manifest, members, digest, signatures } = node;
    const { settings, abilities } = this.#optionsFor(node);
    const read = new Map(members.map((member) => [member.digest, member]));
    // What is about others stays as it is, and so does everything below it.
    const addCompression = isReferrer ? [] : settings.addCompression ?? [];
    const operations = planOperations(manifest, {
      chosen: [...read.keys()],
      addCompression,
      compressionOf: (digest) => compressionAfter(read.get(digest), this.#options),
    });
    const fixed = fixedBy(settings, { isReferrer, ...node });
    const marksZstd = operations.some(({ variant }) => variant !== undefined && variant.algorithm !== "gzip");
    const types = listIndexTypes(manifest, {
      abilities,
      forced: forcedType(settings, isReferrer),
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

/** An index that says something wrong of its instances would be corrected on the way. */
function assertCorrection({ manifest, members }: ReadIndex, fixed: string): void {
  const read = new Map(members.map(({ digest, manifest }) => [digest, manifest]));
  for (const { digest, size, mediaType } of getEntries(manifest)) {
    const actual = read.get(digest);
    if (!actual || (size === actual.bytes.length && mediaType === actual.mediaType)) continue;
    throw cannotModify(`copy a manifest list that describes instance ${digest} wrongly`, fixed);
  }
}

/** One blob cannot have two sizes: one of the manifests is wrong, and would be published. */
function assertTwoSizes(images: readonly ReadImage[]): void {
  const sizes = new Map<Digest, number>();
  for (const { digest: image, manifest, layers } of images) {
    for (const { digest, size } of blobsOf(manifest, layers)) {
      const other = sizes.get(digest) ?? size;
      if (size !== other && size !== UNKNOWN_SIZE && other !== UNKNOWN_SIZE) {
        throw new ManifestsError(
          "INVALID_MANIFEST",
          `Cannot copy image ${image} as it says that blob ${digest} has ${size} bytes, but another says ${other}`,
        );
      }
      sizes.set(digest, Math.max(size, other));
    }
  }
}

/** Refuses a destination that names another manifest than the one that would be written there. */
export function assertDigest(destination: NamedReference | undefined, digest: Digest): void {
  const wanted = destination?.digest;
  if (wanted === undefined || digest === wanted) return;
  throw new DigestMismatchError(
    `the image for ${destination}: digest of source image's manifest would not match destination reference`,
    wanted,
    digest,
  );
}
