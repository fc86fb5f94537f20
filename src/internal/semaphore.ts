import { onAbort } from "./on_abort.ts";

/** Number of callbacks that were called from which their places are given back. */
const MANY_CALLED = 1024;

/** Counting semaphore. Permits are given in order of arrival; an `AbortSignal` can end a wait. */
export class Semaphore {
  #free: number;
  /** Callbacks in order of arrival, which return false if the wait was aborted; `undefined` for those that were called. */
  #waiting: ((() => boolean) | undefined)[] = [];
  /** Index of the first callback that was not called: removing the first items of a long array would move all others. */
  #next = 0;

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
    while (this.#next < this.#waiting.length) {
      const enter = this.#waiting[this.#next]!;
      this.#waiting[this.#next++] = undefined;
      if (this.#next >= MANY_CALLED && 2 * this.#next >= this.#waiting.length) {
        this.#waiting = this.#waiting.slice(this.#next);
        this.#next = 0;
      }
      if (enter()) return;
    }
    this.#waiting = [];
    this.#next = 0;
    this.#free++;
  }

  #wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      let hasLeft = false;
      const stop = signal && onAbort(signal, () => {
        hasLeft = true;
        reject(signal.reason);
      });
      this.#waiting.push(() => {
        if (hasLeft) return false;
        stop?.();
        resolve();
        return true;
      });
    });
  }
}
