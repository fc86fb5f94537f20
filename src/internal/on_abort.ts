/** Callbacks for the abort of one signal. */
interface Callbacks {
  readonly all: Set<() => void>;
  /** The only listener of the signal. */
  readonly listener: () => void;
}

const callbacksBySignal = new WeakMap<AbortSignal, Callbacks>();

/**
 * Calls back when a signal aborts, until the returned function is called. Replaces `addEventListener`, which compares a
 * new listener with all others: thousands of tasks that wait for one signal took quadratic time. The signal must not be
 * aborted yet, and a callback must not throw.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const known = callbacksBySignal.get(signal);
  known?.all.add(callback);
  const callbacks = known ?? listen(signal, callback);
  return () => {
    if (!callbacks.all.delete(callback) || callbacks.all.size > 0) return;
    // A listener of `AbortSignal.timeout` keeps the process running.
    callbacksBySignal.delete(signal);
    signal.removeEventListener("abort", callbacks.listener);
  };
}

/** Listens to a signal. The first callback is registered before, because a signal may abort while it gets its listener. */
function listen(signal: AbortSignal, first: () => void): Callbacks {
  const all = new Set([first]);
  const callbacks: Callbacks = {
    all,
    listener: () => {
      // A callback that an earlier one removes is not called.
      for (const callback of all) callback();
    },
  };
  callbacksBySignal.set(signal, callbacks);
  signal.addEventListener("abort", callbacks.listener, { once: true });
  return callbacks;
}
