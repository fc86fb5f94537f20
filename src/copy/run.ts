import type { ImageDestination, ImageSource } from "../image/mod.ts";
import { allOrAbort, OncePerKey, Semaphore } from "../internal/mod.ts";
import type { Digest } from "../spec/mod.ts";
import type { CopyEvent } from "./events.ts";
import { moveBlob } from "./move_blob.ts";
import type { CopyPlan, PlannedImage } from "./plan.ts";
import { isTransientForBlob, isTransientForManifest, retry, type RetryOptions } from "./retry.ts";

/** What {@linkcode runPlan} needs. */
export interface RunOptions {
  /** What to do. */
  readonly plan: CopyPlan;
  /** Where to read. */
  readonly source: ImageSource;
  /** Where to write. */
  readonly destination: ImageDestination;
  /** How many blobs are moved at once. */
  readonly maxParallelTransfers: number;
  /** How failed steps are tried again. */
  readonly retry: Omit<RetryOptions, "signal">;
  /** Told what happens. */
  readonly emit: (event: CopyEvent) => void;
  /** Called when an image's turn begins, in the order of the list. */
  readonly onImage: (image: PlannedImage, position: number) => void;
  /** Ends the copy. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Carries a plan out: all images together, each blob once, an image's manifest after its blobs, the index after
 * everything.
 */
export async function runPlan(options: RunOptions): Promise<void> {
  const { plan, destination, emit } = options;
  const run = new Run(options);
  await allOrAbort(
    plan.images.map((image, i) => (signal) => {
      options.onImage(image, i + 1);
      return run.copyImage(image, signal);
    }),
    options.signal,
  );
  const { index } = plan;
  const signal = options.signal ?? new AbortController().signal;
  if (index) {
    const { bytes, mediaType } = index.manifest;
    const put = () => destination.putManifest(bytes, mediaType, { signal, maxRetries: 0 });
    // A sparse index is meant to name what is not there: then the registry's answer is final.
    const whole = new Set(plan.images.map(({ digest }) => digest)).size === plan.entries;
    const mayPass = whole ? isTransientForManifest : undefined;
    await retry("writing manifest list", put, { ...options.retry, signal, isTransient: mayPass });
    emit({ type: "manifest-done", digest: index.digest, top: true });
  }
  await destination.commit({ signal });
}

class Run {
  readonly #options: RunOptions;
  readonly #slots: Semaphore;
  readonly #moved = new OncePerKey<Digest, void>();
  readonly #blobs: ReadonlyMap<Digest, CopyPlan["blobs"][number]>;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#slots = new Semaphore(options.maxParallelTransfers);
    this.#blobs = new Map(options.plan.blobs.map((blob) => [blob.descriptor.digest, blob]));
  }

  async copyImage(image: PlannedImage, signal: AbortSignal): Promise<void> {
    const { destination, emit, plan } = this.#options;
    await allOrAbort(
      image.blobs.map((digest) => (signal) => this.#moved.get(digest, () => this.#move(digest, signal))),
      signal,
    );
    const { bytes, mediaType } = image.manifest;
    const instance = plan.index ? image.digest : undefined;
    const put = () => destination.putManifest(bytes, mediaType, { instance, signal, maxRetries: 0 });
    await retry(`writing manifest ${image.digest}`, put, {
      ...this.#options.retry,
      signal,
      isTransient: isTransientForManifest,
    });
    emit({ type: "manifest-done", digest: image.digest, top: !plan.index });
  }

  async #move(digest: Digest, signal: AbortSignal): Promise<void> {
    const { source, destination, emit } = this.#options;
    const blob = this.#blobs.get(digest)!;
    const move = () => moveBlob(blob, source, destination, { emit, slots: this.#slots, signal });
    const outcome = await retry(`copying blob ${digest}`, move, {
      ...this.#options.retry,
      signal,
      isTransient: isTransientForBlob,
    });
    emit({ type: "blob-done", digest, size: blob.descriptor.size, outcome });
  }
}
