import { onAbort } from "./on_abort.ts";

/** Signal that follows several others until it is disposed. */
export interface JoinedSignal extends Disposable {
  /** Signal that aborts with the reason of the first signal that aborts. */
  readonly signal: AbortSignal;
}

/**
 * Joins signals for a scope: `using joined = joinSignals(…)`. Use this instead of `AbortSignal.any`: only the user holds
 * a reference to its result, so the garbage collector may take it while `fetch` or a pipe waits, and the abort is lost.
 *
 * @param signals Signals to follow; `undefined` is ignored.
 */
export function joinSignals(...signals: (AbortSignal | undefined)[]): JoinedSignal {
  const joined = new AbortController();
  const stops: (() => void)[] = [];
  for (const signal of signals) {
    if (!signal) continue;
    const abort = () => joined.abort(signal.reason);
    if (signal.aborted) abort();
    else stops.push(onAbort(signal, abort));
  }
  return {
    signal: joined.signal,
    [Symbol.dispose]: () => {
      for (const stop of stops) stop();
    },
  };
}
