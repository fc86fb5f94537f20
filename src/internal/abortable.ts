/**
 * A promise that rejects with the signal's reason once that aborts; the work behind it goes on. What the function of this
 * name in `@std/async` does, which Node 20 cannot run.
 */
export function abortable<V>(value: Promise<V>, signal: AbortSignal): Promise<V> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    value.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
