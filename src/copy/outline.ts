import type { ImageDestination } from "../image/room.ts";
import { allOrAbort, Semaphore } from "../internal/room.ts";
import {
  type Descriptor,
  type Digest,
  type DockerListEntry,
  findAttested,
  formatPlatform,
  getEntries,
  isForeignLayer,
} from "../spec/room.ts";
import { chooseRecoding, getDeclaredForm, satisfiesPolicy } from "./layer_policy.ts";
import {
  type CopyPlan,
  listIndexes,
  type PlannedBlob,
  plannedBlobs,
  type PlannedImage,
  type PlannedNode,
} from "./plan_types.ts";

/** What will become of a blob: see `BlobOutcome`; `compressed` is moved and compressed anew on the way. */
export type BlobFate = "kept" | "reused" | "mounted" | "written" | "compressed";

/** An image of a copy, as people and progress views know it. */
export interface OutlinedImage {
  /** Its digest at the source. */
  readonly digest: Digest;
  /** Its platform, as in `linux/arm64/v8`; `""` where it has none. */
  readonly platform: string;
  /** The image that it attests, by its digest at the source; `undefined` if it is not an attestation of a list. */
  readonly attests?: string | undefined;
  /** The compression of which it is a further variant; `undefined`: the image itself. */
  readonly variant?: string | undefined;
  /** Whether it goes along because it is about another one. */
  readonly isReferrer: boolean;
  /** Media type in which its manifest will be written. */
  readonly mediaType: string;
  /** Whether that is another than it has. */
  readonly converted: boolean;
  /** Its blobs as the source has them, layers first; a size may be -1. */
  readonly blobs: readonly { readonly digest: Digest; readonly size: number }[];
}

/** A blob of a copy. */
export interface OutlinedBlob {
  /** Its digest at the source. */
  readonly digest: Digest;
  /** Its size there in bytes, or -1. */
  readonly size: number;
  /** What will become of it. */
  readonly fate: BlobFate;
}

/** What a copy would do. */
export interface CopyOutline {
  /** Media type of the index; `undefined` where a single image is copied. */
  readonly mediaType: string | undefined;
  /** The images, in the order of the list. */
  readonly images: readonly OutlinedImage[];
  /** The blobs, each once. */
  readonly blobs: readonly OutlinedBlob[];
}

/** How many questions about blobs are asked at once. */
const MAX_PARALLEL = 8;

/** The images of a plan. */
export function outlineImages({ top, images }: CopyPlan): OutlinedImage[] {
  const entries = firstEntries(top);
  return images.map((image) => ({
    digest: image.digest,
    ...describeEntry(entries.get(image.digest)),
    variant: image.variant,
    isReferrer: image.isReferrer,
    mediaType: image.types[0]!,
    converted: image.types[0] !== image.manifest.mediaType,
    blobs: plannedBlobs(image).map(({ descriptor: { digest, size } }) => ({ digest, size })),
  }));
}

type Entry = Descriptor | DockerListEntry;

/** The entry of each instance, of the outermost index that names it. */
function firstEntries(top: PlannedNode): ReadonlyMap<Digest, Entry> {
  const entries = new Map<Digest, Entry>();
  for (const { manifest } of listIndexes(top)) {
    for (const entry of getEntries(manifest)) if (!entries.has(entry.digest)) entries.set(entry.digest, entry);
  }
  return entries;
}

function describeEntry(entry: Entry | undefined): Pick<OutlinedImage, "platform" | "attests"> {
  const attests = entry && findAttested(entry);
  return { platform: formatPlatform(entry?.platform), ...(attests ? { attests } : {}) };
}

/** Finds out what a plan would do at a destination, which is asked and not changed. */
export async function outlinePlan(
  plan: CopyPlan,
  destination: ImageDestination,
  signal?: AbortSignal,
): Promise<CopyOutline> {
  const slots = new Semaphore(MAX_PARALLEL);
  const blobs = new Map(plan.images.flatMap((image) => plannedBlobs(image).map((blob) => [keyOf(image, blob), blob])));
  return {
    mediaType: plan.top.kind === "index" ? plan.top.types[0] : undefined,
    images: outlineImages(plan),
    blobs: await allOrAbort(
      Array.from(blobs.values(), (blob) => async (signal) => {
        const { digest, size } = blob.descriptor;
        return { digest, size, fate: await slots.run(() => fateOf(blob, destination, signal), signal) };
      }),
      signal,
    ),
  };
}

/** A further variant's layers are further work, its configuration is not. */
function keyOf({ variant }: PlannedImage, { descriptor, role }: PlannedBlob): string {
  return descriptor.digest + (role === "layer" ? variant ?? "" : "");
}

/** The cheapest way that the plan allows, in the order in which a copy tries them. */
async function fateOf(blob: PlannedBlob, destination: ImageDestination, signal: AbortSignal): Promise<BlobFate> {
  const { descriptor, origin, policy, role } = blob;
  const { abilities } = destination;
  if (abilities.keepsForeignLayers && isForeignLayer(descriptor)) return "kept";
  const form = role === "layer" ? getDeclaredForm(descriptor) : undefined;
  if (satisfiesPolicy(policy, form)) {
    if (await destination.findBlob(descriptor, { signal }) !== undefined) return "reused";
    if (origin !== undefined && origin.scope === abilities.mountScope) return "mounted";
  }
  return form && chooseRecoding(policy, form) ? "compressed" : "written";
}
