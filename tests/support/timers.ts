/** Time and waiting in the hands of tests: nothing here depends on how fast a machine is. */

/**
 * A signal that aborts when something begins to wait with it. A lock that is free is taken without waiting, so a
 * rejection with `TimeoutError` proves that somebody else holds it, however long an attempt takes.
 */
export function abortOnWait(): AbortSignal {
  const controller = new AbortController();
  const { signal } = controller;
  const listen = signal.addEventListener.bind(signal) as (...args: unknown[]) => void;
  signal.addEventListener = (...args: unknown[]) => {
    listen(...args);
    if (args[0] === "abort") controller.abort(new DOMException("It would have to wait.", "TimeoutError"));
  };
  return signal;
}

/** The timers of this process, without what Node and browsers add to them. */
const timers = globalThis as unknown as {
  setTimeout(callback: () => void, milliseconds?: number, ...args: unknown[]): unknown;
  clearTimeout(id: unknown): void;
};

/** Holds back all timers of one duration until the test fires them. */
export class HeldTimers implements Disposable {
  readonly #original = { setTimeout: timers.setTimeout, clearTimeout: timers.clearTimeout };
  readonly #held = new Map<unknown, () => void>();
  #lastId = 0;

  /** `milliseconds` should be a duration that nothing else uses. */
  constructor(milliseconds: number) {
    const { setTimeout, clearTimeout } = this.#original;
    timers.setTimeout = (callback, delay, ...args) => {
      if (delay !== milliseconds) return setTimeout(callback, delay, ...args);
      this.#held.set(--this.#lastId, callback);
      return this.#lastId;
    };
    timers.clearTimeout = (id) => void (this.#held.delete(id) || clearTimeout(id));
  }

  /** Ends the timers that are running; fails if none is. */
  fire(): void {
    if (this.#held.size === 0) throw new Error("Cannot fire a timer: none is running");
    const callbacks = [...this.#held.values()];
    this.#held.clear();
    for (const callback of callbacks) callback();
  }

  [Symbol.dispose](): void {
    Object.assign(timers, this.#original);
  }
}

/** Lets everything run that can run without waiting: some turns of the event loop. */
export async function runPending(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve));
}
