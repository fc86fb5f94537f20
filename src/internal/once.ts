import { abortable } from "./abortable.ts";

interface Running<V> {
  value: Promise<V>;
  waiters: number;
  abort: AbortController;
}

/**
 * Runs work once per key; callers that come meanwhile share the promise. A failure is forgotten, so it may be retried.
 * The work belongs to nobody: a caller who gives up leaves it to the others, and only the last one ends it.
 */
export class OncePerKey<K, V> {
  readonly #running = new Map<K, Running<V>>();

  /** The value of `key`, computed by `work` unless that has been done or is under way. */
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

  /** The promise of a key, if there is one. */
  peek(key: K): Promise<V> | undefined {
    return this.#running.get(key)?.value;
  }

  /** Forgets a key, so the next `get` works again; with `value`, only where it is still that one. */
  forget(key: K, value?: Promise<V>): void {
    if (value === undefined || this.#running.get(key)?.value === value) this.#running.delete(key);
  }
}
