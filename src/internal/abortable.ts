import { onAbort } from "./on_abort.ts";

/**
 * Returns a promise that follows `value`, or rejects with the signal's reason when the signal aborts. The work itself
 * continues. Replaces `abortable` of `@std/async`, which does not run in Node 20.
 */
export function abortable<V>(value: Promise<V>, signal: AbortSignal): Promise<V> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, () => reject(signal.reason));
    value.then((result) => {
      stop();
      resolve(result);
    }, (error) => {
      stop();
      reject(error);
    });
  });
}
