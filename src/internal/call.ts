/** A function like the global `fetch`, called with one request. */
export type Fetch = (request: Request) => Promise<Response>;

/** Options of calls that wait. */
export interface SignalOptions {
  /** Ends this call, and no other; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Options of calls that go over a network. */
export interface CallOptions extends SignalOptions {
  /**
   * How often a request that failed for a passing reason is made again.
   *
   * @default {3}
   */
  maxRetries?: number | undefined;
}
