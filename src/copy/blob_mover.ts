import { allOrAbort, OncePerKey } from "../internal/room.ts";
import { isForeignLayer } from "../spec/room.ts";
import { chooseRecoding, getDeclaredForm, satisfiesPolicy } from "./layer_policy.ts";
import { moveBlob, type MovedBlob, type MoveOptions } from "./move_blob.ts";
import { listPlannedBlobs, type PlannedBlob, type PlannedImage } from "./plan_types.ts";
import { isTransientForBlob, retry, type RetryOptions } from "./retry.ts";

/** Options of {@linkcode BlobMover}. */
export interface BlobMoverOptions extends Omit<MoveOptions, "reuses" | "signal"> {
  /** How failed moves are retried. */
  readonly retry: Omit<RetryOptions, "signal">;
}

/** Moves the blobs of a copy, each once, and retries after temporary failures. */
export class BlobMover {
  readonly #options: BlobMoverOptions;
  readonly #moved = new OncePerKey<string, MovedBlob>();

  constructor(options: BlobMoverOptions) {
    this.#options = options;
  }

  /** Moves a blob, once for all images that have it with the same policy. */
  async move(blob: PlannedBlob, signal: AbortSignal): Promise<MovedBlob> {
    return await this.#moved.get(toWorkKey(blob), () => this.#moveOnce(blob, signal));
  }

  /** Moves the bytes of blobs that a registry reported as existing or mounted but does not have. */
  async restore(image: PlannedImage, signal: AbortSignal): Promise<void> {
    const { destination } = this.#options;
    const restoreBlob = async (blob: PlannedBlob, signal: AbortSignal) => {
      const key = toWorkKey(blob);
      const { digest, mediaType } = blob.descriptor;
      const moved = await this.#moved.peek(key);
      if (moved?.digest !== digest || (moved.outcome !== "mounted" && moved.outcome !== "reused")) return;
      const found = await destination.findBlob({ mediaType, digest, size: moved.size }, { signal, maxRetries: 0 });
      if (found !== undefined) return;
      this.#moved.forget(key);
      await this.#moved.get(key, () => this.#moveOnce(blob, signal, false));
    };
    await allOrAbort(listPlannedBlobs(image).map((blob) => (signal) => restoreBlob(blob, signal)), signal);
  }

  async #moveOnce(blob: PlannedBlob, signal: AbortSignal, reuses = true): Promise<MovedBlob> {
    const { retry: retries, ...options } = this.#options;
    const { digest, size } = blob.descriptor;
    const move = () => moveBlob(blob, { ...options, reuses, signal });
    const step = `copying blob ${digest}`;
    const moved = await retry(step, move, { ...retries, signal, isTransient: isTransientForBlob });
    options.emit({ type: "blob-done", digest, size, outcome: moved.outcome, destination: moved.digest });
    return moved;
  }
}

/** Identifies the work for a blob: layers of equal digest can have different policies. */
function toWorkKey({ descriptor, role, policy }: PlannedBlob): string {
  const form = getDeclaredForm(descriptor);
  const outcome = role === "config" || !form ? policy : [chooseRecoding(policy, form), satisfiesPolicy(policy, form)];
  // A foreign layer may stay at its URLs; the same layer under another media type must be moved.
  return JSON.stringify([descriptor.digest, role, isForeignLayer(descriptor), outcome]);
}
