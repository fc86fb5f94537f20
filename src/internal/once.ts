import { abortable } from "./abortable.ts";

interface Running<V> {
  value: Promise<V>;
  waiters: number;
  abort: AbortController;
}

/**
 * Runs work once for each key. Callers for the same key share the promise; a failure is forgotten, so that the next
 * caller tries again. If a caller aborts, the work continues for the others; it is aborted when the last caller aborts.
 */
export class OncePerKey<K, V> {
  readonly #running = new Map<K, Running<V>>();

  /** Returns the value of a key. Calls `work` if the key has no value and no work is in progress. */
  async get(key: K, work: (signal: AbortSignal) => Promise<V>, signal?: AbortSignal): Promise<V> {
    signal?.throwIfAborted();
    let running = this.#running.get(key);
    if (!running) {
      const abort = new AbortController();
      const started: Running<V> = running = { value: work(abort.signal), waiters: 0, abort };
      this.#running.set(key, started);
      started.value.catch(() => this.forget(key, started.value));
    }
    running.waiters++;
    try {
      return await (signal ? abortable(running.value, signal) : running.value);
    } catch (error) {
      if (running.waiters === 1 && signal?.aborted) {
        this.forget(key, running.value);
        running.abort.abort(signal.reason);
      }
      throw error;
    } finally {
      running.waiters--;
    }
  }

  /** Returns the promise of a key; `undefined` if it has none. */
  peek(key: K): Promise<V> | undefined {
    return this.#running.get(key)?.value;
  }

  /** Forgets a key, so that the next `get` calls `work` again; with `value`, only if the key still has that promise. */
  forget(key: K, value?: Promise<V>): void {
    if (value === undefined || this.#running.get(key)?.value === value) this.#running.delete(key);
  }
}
