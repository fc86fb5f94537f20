/** Renews something at equal intervals until it is disposed of, aborted or lost. */
export class Heartbeat implements AsyncDisposable {
  readonly #lost = new AbortController();
  readonly #end = new AbortController();
  #renewing: Promise<void> = Promise.resolve();

  /**
   * Starts the heartbeat. `interval` is in milliseconds. `renew` rejects with an error that `isLost` accepts if somebody
   * else has taken over; it is tried again after other errors. `signal` ends the heartbeat.
   */
  constructor(
    options: {
      readonly interval: number;
      readonly renew: () => Promise<unknown>;
      readonly isLost: (error: unknown) => boolean;
      readonly signal: AbortSignal;
    },
  ) {
    const { interval, renew, isLost, signal } = options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = () => {
      if (!this.#end.signal.aborted) timer = setTimeout(() => this.#renewing = beat(), interval);
    };
    const beat = async () => {
      try {
        await renew();
      } catch (error) {
        if (isLost(error)) return this.#lost.abort(error);
      }
      wait();
    };
    this.#end.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
    signal.addEventListener("abort", () => this.#end.abort(), { once: true, signal: this.#end.signal });
    if (signal.aborted) this.#end.abort();
    wait();
  }

  /** Aborts with the error of `renew` when somebody else has taken over. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#renewing;
  }
}
