import { delay } from "@std/async";

/** Hosts that asked for a pause. All requests to such a host wait, so that each need not be rejected first. */
export class HostPauses {
  readonly #until = new Map<string, number>();
  readonly #now: () => number;

  /** `now` returns the time in milliseconds. Default: `performance.now`. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** No host has asked for a pause that is not known to be over. */
  get isEmpty(): boolean {
    return this.#until.size === 0;
  }

  /** Records that a host asked to get no requests for this time. */
  note(origin: string, milliseconds: number): void {
    const until = this.#now() + milliseconds;
    if (until > (this.#until.get(origin) ?? 0)) this.#until.set(origin, until);
  }

  /** Waits until the host accepts requests again; rejects with the signal's reason on abort. */
  async wait(origin: string, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      const left = (this.#until.get(origin) ?? 0) - this.#now();
      if (left <= 0) return void this.#until.delete(origin);
      await delay(left, signal ? { signal } : {});
    }
  }
}
