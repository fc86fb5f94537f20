import { delay } from "@std/async";
import { backoffDelay } from "./backoff.ts";

/** Upper bound of the pause before the second attempt, in milliseconds; it doubles with each of the first attempts. */
const PAUSE = 40;
/** The number of attempts after which the pause no longer grows: 40 ms × 2⁵ are 1.3 s. */
const MAX_GROWTH = 6;

/** Options for {@linkcode repeatWhileLost}. */
export interface RaceOptions {
  /** Returns whether an error means that another writer was faster. */
  readonly isLost: (error: unknown) => boolean;
  /** Maximum number of attempts. Default: 64. */
  readonly maxAttempts?: number | undefined;
  /** Aborts the wait between attempts. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs work, and runs it again after a random pause while `isLost` says that another writer was faster. Rejects with the
 * error of the last attempt.
 */
export async function repeatWhileLost<T>(work: () => Promise<T>, options: RaceOptions): Promise<T> {
  const { isLost, maxAttempts = 64, signal } = options;
  for (let attempt = 1;; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isLost(error) || attempt >= maxAttempts) throw error;
      await delay(backoffDelay(Math.min(attempt, MAX_GROWTH), PAUSE / 2), signal ? { signal } : {});
    }
  }
}
