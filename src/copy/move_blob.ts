import type { ImageDestination, ImageSource } from "../image/mod.ts";
import type { Semaphore } from "../internal/mod.ts";
import { verifyBlob } from "../spec/mod.ts";
import type { BlobOutcome, CopyEvent } from "./events.ts";
import type { PlannedBlob } from "./plan.ts";

/** What {@linkcode moveBlob} needs besides the blob. */
export interface MoveOptions {
  /** Told what happens. */
  readonly emit: (event: CopyEvent) => void;
  /** Bounds how many blobs have bytes moving. */
  readonly slots: Semaphore;
  /** Ends the move. */
  readonly signal: AbortSignal;
}

/** Brings a blob to the destination in the cheapest way that works: mounted, found there, or moved and verified. */
export async function moveBlob(
  { descriptor, instance, mountFrom }: PlannedBlob,
  source: ImageSource,
  destination: ImageDestination,
  { emit, slots, signal }: MoveOptions,
): Promise<BlobOutcome> {
  // One layer repeats what failed: the steps of the copy.
  const call = { signal, maxRetries: 0 };
  // A mount answers in one request whether the blob is there already or not, so nothing is asked before it.
  if (mountFrom && await destination.mountBlob?.(descriptor, mountFrom, call)) return "mounted";
  if (await destination.hasBlob(descriptor, call)) return "reused";
  const { digest, size } = descriptor;
  // Only bytes need a slot: questions are small, and each host has a bound of its own for them.
  using _slot = await slots.acquire(signal);
  emit({ type: "blob-started", digest, size });
  const stream = await source.getBlob(descriptor, { instance, ...call });
  const verified = verifyBlob(stream, descriptor, (bytes) => emit({ type: "blob-progress", digest, bytes }));
  await destination.putBlob(descriptor, verified, call);
  return "written";
}
