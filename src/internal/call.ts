/** A function like the global `fetch`, called with one request. */
export type Fetch = (request: Request) => Promise<Response>;

/** Options of calls that wait. */
export interface CallOptions {
  /** Ends this call, and no other; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}
