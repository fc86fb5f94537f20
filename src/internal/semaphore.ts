/** Counting semaphore. Permits are given in order of arrival; an `AbortSignal` can end a wait. */
export class Semaphore {
  #free: number;
  readonly #waiting: Array<() => void> = [];

  /** Creates a semaphore with this maximum number of holders. */
  constructor(permits: number) {
    if (!Number.isInteger(permits) || permits < 1) {
      throw new RangeError(
        `Cannot create a semaphore: permits must be a positive integer: current value is ${permits}`,
      );
    }
    this.#free = permits;
  }

  /** Waits for a permit; dispose it to release it. Rejects with `signal.reason` on abort. */
  async acquire(signal?: AbortSignal): Promise<Disposable> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#release();
        held = false;
      },
    };
  }

  /** Runs `work` while holding a permit. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    using _permit = await this.acquire(signal);
    return await work();
  }

  #release() {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }

  #wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal!.reason);
      };
      this.#waiting.push(enter);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }
}
