import { delay } from "@std/async";

/** Hosts that asked everybody to wait, so that requests made at once do not each have to be told. */
export class HostPauses {
  readonly #until = new Map<string, number>();
  readonly #now: () => number;

  /** `now` is a clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Notes that a host wants no requests for that many milliseconds. */
  note(origin: string, milliseconds: number): void {
    const until = this.#now() + milliseconds;
    if (until > (this.#until.get(origin) ?? 0)) this.#until.set(origin, until);
  }

  /** Waits until the host takes requests again; rejects with the signal's reason. */
  async wait(origin: string, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      const left = (this.#until.get(origin) ?? 0) - this.#now();
      if (left <= 0) return void this.#until.delete(origin);
      await delay(left, signal ? { signal } : {});
    }
  }
}
