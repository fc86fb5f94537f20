/** Several signals as one, until it is disposed. */
export interface JoinedSignal extends Disposable {
  /** Aborts with the reason of the first of them that aborts. */
  readonly signal: AbortSignal;
}

/**
 * Joins signals for the time of a scope: `using joined = joinSignals(…)`. Use this instead of `AbortSignal.any`, whose
 * result is held by nothing but its user: the garbage collector may take it while `fetch` or a pipe waits, and the abort
 * is never heard.
 *
 * @param signals Those that are `undefined` are left out.
 */
export function joinSignals(...signals: (AbortSignal | undefined)[]): JoinedSignal {
  const joined = new AbortController();
  const listeners = signals.filter((signal) => signal !== undefined).map((signal) => {
    const abort = () => joined.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    return { signal, abort };
  });
  return {
    signal: joined.signal,
    [Symbol.dispose]: () => {
      for (const { signal, abort } of listeners) signal.removeEventListener("abort", abort);
    },
  };
}
