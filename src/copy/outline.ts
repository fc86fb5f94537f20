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
  listPlannedBlobs,
  type PlannedBlob,
  type PlannedImage,
  type PlannedNode,
} from "./plan_types.ts";

/** Expected outcome for a blob: see `BlobOutcome`; `compressed` blobs are moved and recompressed. */
export type BlobFate = "kept" | "reused" | "mounted" | "written" | "compressed";

/** Summary of an image of a copy, for people and progress views. */
export interface OutlinedImage {
  /** Digest of the image at the source. */
  readonly digest: Digest;
  /** Platform of the image, as in `linux/arm64/v8`; `""` if it has none. */
  readonly platform: string;
  /** Digest of the attested image at the source; `undefined`: this is not an attestation of a list. */
  readonly attests?: string | undefined;
  /** Compression of an additional variant; `undefined`: the image itself. */
  readonly variant?: string | undefined;
  /** Whether it is copied because it is a referrer of another manifest. */
  readonly isReferrer: boolean;
  /** Media type in which its manifest will be written. */
  readonly mediaType: string;
  /** Whether this differs from the media type at the source. */
  readonly converted: boolean;
  /** Blobs of the image at the source, layers first; size in bytes, or -1 if it is unknown. */
  readonly blobs: readonly { readonly digest: Digest; readonly size: number }[];
}

/** A blob of a copy with its expected outcome. */
export interface OutlinedBlob {
  /** Digest of the blob at the source. */
  readonly digest: Digest;
  /** Size of the blob at the source in bytes, or -1 if it is unknown. */
  readonly size: number;
  /** Expected outcome for the blob. */
  readonly fate: BlobFate;
}

/** Summary of a copy that was planned and not executed. */
export interface CopyOutline {
  /** Media type of the index; `undefined`: a single image is copied. */
  readonly mediaType: string | undefined;
  /** Images to copy, in the order of the list. */
  readonly images: readonly OutlinedImage[];
  /** Blobs of these images, without duplicates. */
  readonly blobs: readonly OutlinedBlob[];
}

/** Maximum number of concurrent requests about blobs. */
const MAX_PARALLEL = 8;

/** Returns summaries of the images of a plan. */
export function outlineImages({ top, images }: CopyPlan): OutlinedImage[] {
  const entries = findFirstEntries(top);
  return images.map((image) => ({
    digest: image.digest,
    ...describeEntry(entries.get(image.digest)),
    variant: image.variant,
    isReferrer: image.isReferrer,
    mediaType: image.types[0]!,
    converted: image.types[0] !== image.manifest.mediaType,
    blobs: listPlannedBlobs(image).map(({ descriptor: { digest, size } }) => ({ digest, size })),
  }));
}

type Entry = Descriptor | DockerListEntry;

/** Returns the entry of each instance in the outermost index that names it. */
function findFirstEntries(top: PlannedNode): ReadonlyMap<Digest, Entry> {
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

/** Finds out what a plan would do. The destination is only read. */
export async function outlinePlan(
  plan: CopyPlan,
  destination: ImageDestination,
  signal?: AbortSignal,
): Promise<CopyOutline> {
  const slots = new Semaphore(MAX_PARALLEL);
  const blobs = new Map(
    plan.images.flatMap((image) => listPlannedBlobs(image).map((blob) => [toBlobKey(image, blob), blob])),
  );
  return {
    mediaType: plan.top.kind === "index" ? plan.top.types[0] : undefined,
    images: outlineImages(plan),
    blobs: await allOrAbort(
      Array.from(blobs.values(), (blob) => async (signal) => {
        const { digest, size } = blob.descriptor;
        return { digest, size, fate: await slots.run(() => predictFate(blob, destination, signal), signal) };
      }),
      signal,
    ),
  };
}

/** Identifies the work for a blob: the layers of a variant are moved in addition, its configuration is not. */
function toBlobKey({ variant }: PlannedImage, { descriptor, role }: PlannedBlob): string {
  return descriptor.digest + (role === "layer" ? variant ?? "" : "");
}

/** Returns the cheapest outcome that the plan allows, in the order in which `moveBlob` tries them. */
async function predictFate(blob: PlannedBlob, destination: ImageDestination, signal: AbortSignal): Promise<BlobFate> {
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
