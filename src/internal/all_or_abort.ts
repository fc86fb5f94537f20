import { joinSignals } from "./join_signals.ts";

/**
 * Runs tasks together. The first failure aborts the others through the signal that each was given; the promise
 * settles only when all have ended, so nothing is left running behind the caller's back, and rejects with the first
 * failure itself, never with the aborts that followed from it.
 */
export async function allOrAbort<T>(
  tasks: ReadonlyArray<(signal: AbortSignal) => Promise<T>>,
  signal?: AbortSignal,
): Promise<T[]> {
  signal?.throwIfAborted();
  const failure = new AbortController();
  using joined = joinSignals(signal, failure.signal);
  let first: { reason: unknown } | undefined;
  const results = await Promise.all(tasks.map(async (task) => {
    try {
      return await task(joined.signal);
    } catch (reason) {
      first ??= { reason };
      failure.abort(reason);
      return undefined as T;
    }
  }));
  if (first) throw first.reason;
  return results;
}
