/** Function like the global `fetch`, called with a `Request`. */
export type Fetch = (request: Request) => Promise<Response>;

/** Options of a call that can be aborted. */
export interface SignalOptions {
  /** Aborts this call only; the call then rejects with the signal's reason. Default: no signal. */
  signal?: AbortSignal | undefined;
}

/** Options of a call that uses the network. */
export interface CallOptions extends SignalOptions {
  /**
   * Maximum number of retries of a request after transient failures.
   *
   * @default {3}
   */
  maxRetries?: number | undefined;
}
