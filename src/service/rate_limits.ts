import { HandlerError } from "./handler_error.ts";

/** Length of the windows in which requests are counted, in milliseconds. */
const WINDOW = 60_000;
/** Maximum number of callers that are counted, so that memory stays bounded. */
const MAX_CALLERS = 10_000;

/** Counts the requests of each caller in this process, in windows of a minute that begin with the first request. */
export class RateLimits {
  readonly #maximum: number;
  readonly #windows = new Map<string, { readonly end: number; requests: number }>();

  /** Creates counters that allow `maximum` requests per caller and minute. */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** Counts a request; throws an error with status 429 if the caller has used up the limit. */
  count(caller: string, now: number): void {
    let window = this.#windows.get(caller);
    if (!window || now >= window.end) {
      // The newest windows are at the end of the map, so the first one is the oldest.
      this.#windows.delete(caller);
      if (this.#windows.size >= MAX_CALLERS) this.#windows.delete(this.#windows.keys().next().value!);
      window = { end: now + WINDOW, requests: 0 };
      this.#windows.set(caller, window);
    }
    if (window.requests >= this.#maximum) {
      throw tooMany("RATE_LIMITED", `${this.#maximum} requests per minute are allowed`, (window.end - now) / 1000);
    }
    window.requests++;
  }
}

/** Returns the error with status 429. `seconds` is when the caller may try again. */
export function tooMany(code: "RATE_LIMITED" | "TOO_MANY_RUNS", limit: string, seconds: number): HandlerError {
  const message = `Cannot answer the request: too many from this caller: ${limit}`;
  return new HandlerError(429, { code, message }, { "retry-after": `${Math.ceil(seconds)}` });
}
