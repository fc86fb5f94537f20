/** A function like the global `fetch`, called with one request. */
export type Fetch = (request: Request) => Promise<Response>;

/** Options of calls that wait. */
export interface CallOptions {
  /** Ends this call, and no other; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /**
   * How often a step that failed for a passing reason is tried again, where the call does that by itself.
   *
   * @default {3}
   */
  maxRetries?: number | undefined;
}
