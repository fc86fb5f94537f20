/** Offline stand-in for the parts of `@std/async` that this project uses. */

/** Options for {@linkcode delay}. */
export interface DelayOptions {
  /** Ends the wait: the promise rejects with its reason. */
  signal?: AbortSignal;
}

/** Waits some milliseconds. */
export function delay(ms: number, options: DelayOptions = {}): Promise<void> {
  const { signal } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
