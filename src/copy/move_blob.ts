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
  // One layer repeats what failed: the steps of the copy.
  const call = { signal, maxRetries: 0 };
  // A mount answers in one request whether the blob is there already or not, so nothing is asked before it.
  if (mountFrom && await destination.mountBlob?.(descriptor, mountFrom, call)) return "mounted";
  if (await destination.hasBlob(descriptor, call)) return "reused";
  const { digest, size } = descriptor;
  emit({ type: "blob-started", digest, size });
  const stream = await source.getBlob(descriptor, { instance, ...call });
  const verified = verifyBlob(stream, descriptor, (bytes) => emit({ type: "blob-progress", digest, bytes }));
  await destination.putBlob(descriptor, verified, call);
  return "written";
}
