import { abortable } from "@std/async";

/**
 * Runs work once per key; callers that come meanwhile share the promise. A failure is forgotten, so it may be retried.
 * The work belongs to nobody: a caller who gives up leaves it to the others.
 */
export class OncePerKey<K, V> {
  readonly #running = new Map<K, Promise<V>>();

  /** The value of `key`, computed by `work` unless that has been done or is under way. */
  get(key: K, work: () => Promise<V>, signal?: AbortSignal): Promise<V> {
    let running = this.#running.get(key);
    if (!running) {
      running = work();
      this.#running.set(key, running);
      running.catch(() => this.forget(key, running));
    }
    return signal ? abortable(running, signal) : running;
  }

  /** Forgets a key, so the next `get` works again; with `value`, only where it is still that one. */
  forget(key: K, value?: Promise<V>): void {
    if (value === undefined || this.#running.get(key) === value) this.#running.delete(key);
  }
}
