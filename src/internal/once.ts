/** Runs work once per key; callers that come meanwhile share the promise. A failure is forgotten, so it may be retried. */
export class OncePerKey<K, V> {
  readonly #running = new Map<K, Promise<V>>();

  /** The value of `key`, computed by `work` unless that has been done or is under way. */
  get(key: K, work: () => Promise<V>): Promise<V> {
    let running = this.#running.get(key);
    if (!running) {
      running = work();
      this.#running.set(key, running);
      running.catch(() => this.#running.delete(key));
    }
    return running;
  }

  /** Forgets a key, so the next `get` works again. */
  forget(key: K): void {
    this.#running.delete(key);
  }
}
