/** Full-jitter exponential back-off in milliseconds: random between 0 and `base * 2 ** attempt`, at most `cap`. */
export function backoffDelay(attempt: number, base = 500, cap = 30_000): number {
  return Math.random() * Math.min(cap, base * 2 ** attempt);
}
