import { joinSignals } from "./join_signals.ts";

/**
 * Runs tasks concurrently. The first failure aborts the other tasks through the signal that each of them gets. The
 * promise settles only after all tasks have ended, so that nothing keeps running, and rejects with the first failure,
 * never with an abort that followed from it.
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
