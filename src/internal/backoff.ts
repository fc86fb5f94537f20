/** Returns a full-jitter exponential back-off, in milliseconds: random between 0 and `base * 2 ** attempt`, at most `cap`. */
export function backoffDelay(attempt: number, base = 500, cap = 30_000): number {
  return Math.random() * Math.min(cap, base * 2 ** attempt);
}

/**
 * Returns the delay before the next attempt to call a server, in milliseconds: `base`, doubled with every attempt, at
 * most `cap`. Up to a tenth is added, so that clients that failed together do not return together. With the defaults,
 * three retries wait 1, 2 and 4 s, as podman's do: a registry that restarts is usually back by then.
 *
 * @param attempt Number of failed attempts, from 1.
 */
export function retryDelay(attempt: number, base = 1_000, cap = 30_000): number {
  return Math.min(cap, base * 2 ** (attempt - 1)) * (1 + Math.random() / 10);
}
