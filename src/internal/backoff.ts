/** Full-jitter exponential back-off in milliseconds: random between 0 and `base * 2 ** attempt`, at most `cap`. */
export function backoffDelay(attempt: number, base = 500, cap = 30_000): number {
  return Math.random() * Math.min(cap, base * 2 ** attempt);
}

/**
 * How long to wait before a server is asked again, in milliseconds: `base`, doubled with every attempt, at most `cap`,
 * and up to a tenth longer so that clients which failed together do not return together. With the defaults, three
 * attempts wait 1, 2 and 4 s, as podman's do: a registry that restarts is back by then.
 *
 * @param attempt How many attempts have failed, from 1.
 */
export function retryDelay(attempt: number, base = 1_000, cap = 30_000): number {
  return Math.min(cap, base * 2 ** (attempt - 1)) * (1 + Math.random() / 10);
}
