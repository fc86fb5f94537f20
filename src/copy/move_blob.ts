import type { ImageDestination, ImageSource } from "../image/mod.ts";
import { verifyBlob } from "../spec/mod.ts";
import type { BlobOutcome, CopyEvent } from "./events.ts";
import type { PlannedBlob } from "./plan.ts";

/** Brings a blob to the destination in the cheapest way that works: mounted, found there, or moved and verified. */
export async function moveBlob(
  { descriptor, instance, mountFrom }: PlannedBlob,
  source: ImageSource,
  destination: ImageDestination,
  { emit, signal }: { emit: (event: CopyEvent) => void; signal: AbortSignal },
): Promise<BlobOutcome> {
  // A mount answers in one request whether the blob is there already or not, so nothing is asked before it.
  if (mountFrom) {
    if (await destination.mountBlob?.(descriptor, mountFrom, { signal })) return "mounted";
  } else if (await destination.hasBlob(descriptor, { signal })) return "reused";
  const { digest, size } = descriptor;
  emit({ type: "blob-started", digest, size });
  const stream = await source.getBlob(descriptor, { instance, signal });
  const verified = verifyBlob(stream, descriptor, (bytes) => emit({ type: "blob-progress", digest, bytes }));
  await destination.putBlob(descriptor, verified, { signal });
  return "written";
}
