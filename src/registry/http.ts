import { delay } from "@std/async";
import { backoffDelay, type ByteStream, type Fetch, Semaphore } from "../internal/mod.ts";
import { ManifestsError } from "../spec/mod.ts";
import { retryAfter } from "./errors.ts";
import { redactUrl } from "./redact.ts";

/** Requests to one host that may wait for an answer at once. */
const MAX_REQUESTS_PER_HOST = 32;
/** How long an answer's headers may take, in milliseconds, where the request has no streamed body. */
const HEADERS_TIMEOUT = 60_000;
const MAX_REDIRECTS = 10;
/** How often a request is repeated where the caller does not say. */
const DEFAULT_RETRIES = 3;
const RETRIED_STATUSES: readonly number[] = [408, 425, 429, 502, 503, 504];

/** A request in parts, so that it can be made again. */
export interface HttpRequest {
  /** Method; upper case. */
  readonly method: string;
  /** Absolute URL, sent exactly as it is. */
  readonly url: string;
  /** Headers besides the ones that every request has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Body; a stream makes the request unrepeatable. */
  readonly body?: Uint8Array<ArrayBuffer> | ByteStream | undefined;
  /** Ends the request and the reading of its answer. */
  readonly signal?: AbortSignal | undefined;
  /** How often it may be repeated after passing failures; default 3. */
  readonly maxRetries?: number | undefined;
  /** Whether a network that fails is final. */
  readonly failsFast?: boolean | undefined;
  /** How long the answer's headers may take, in milliseconds; default 60,000. */
  readonly headersTimeout?: number | undefined;
}

/** An answer, with the URL that gave it. */
export interface HttpResponse {
  /** The answer; its body must be read or cancelled. */
  readonly response: Response;
  /** The URL after redirects. */
  readonly url: string;
}

/** Sends requests to one host: redirects by our own rules, bounded concurrency, retries where that is safe. */
export class HttpClient {
  readonly #fetch: Fetch;
  readonly #userAgent: string;
  readonly #insecure: boolean;
  readonly #slots = new Semaphore(MAX_REQUESTS_PER_HOST);

  /** `insecure` allows redirects from https to http. */
  constructor(options: { fetch: Fetch; userAgent: string; insecure: boolean }) {
    this.#fetch = options.fetch;
    this.#userAgent = options.userAgent;
    this.#insecure = options.insecure;
  }

  /** Sends a request; repeats it after passing failures unless its body is a stream or it is a `POST` or `PATCH`. */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const repeatable = !(request.body instanceof ReadableStream) && !["POST", "PATCH"].includes(request.method);
    const retries = repeatable ? request.maxRetries ?? DEFAULT_RETRIES : 0;
    for (let attempt = 1;; attempt++) {
      const last = attempt > retries;
      try {
        const answer = await this.#follow(request);
        if (last || !RETRIED_STATUSES.includes(answer.response.status)) return answer;
        await answer.response.body?.cancel();
        await delay(retryAfter(answer.response) ?? backoffDelay(attempt), signalOption(request.signal));
      } catch (error) {
        if (last || request.failsFast || !(error instanceof ManifestsError) || error.code !== "NETWORK") throw error;
        await delay(backoffDelay(attempt), signalOption(request.signal));
      }
    }
  }

  /** Sends a request once, redirects not followed. */
  async sendOnce(request: HttpRequest): Promise<Response> {
    const { method, url, headers, body, signal } = request;
    using _slot = await this.#slots.acquire(signal);
    const timeout = new AbortController();
    const sent = new Request(url, {
      method,
      // Without this, `fetch` inflates bodies, and neither digest nor length describe what is read.
      headers: { "accept-encoding": "identity", "user-agent": this.#userAgent, ...headers },
      body: body ?? null,
      redirect: "manual",
      signal: signal ? AbortSignal.any([signal, timeout.signal]) : timeout.signal,
    });
    const streamed = body instanceof ReadableStream;
    const timer = streamed ? undefined : setTimeout(
      () =>
        timeout.abort(new ManifestsError("NETWORK", `Cannot ${method} ${redactUrl(url)} as no answer came in time`)),
      request.headersTimeout ?? HEADERS_TIMEOUT,
    );
    try {
      return await this.#fetch(sent);
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      if (timeout.signal.aborted) throw timeout.signal.reason;
      throw networkError(method, url, cause);
    } finally {
      clearTimeout(timer);
    }
  }

  async #follow(request: HttpRequest): Promise<HttpResponse> {
    const { origin } = new URL(request.url);
    let url = request.url;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const headers = { ...request.headers };
      // Credentials are for the registry alone, not for where it sends us.
      if (new URL(url).origin !== origin) delete headers.authorization;
      const response = await this.sendOnce({ ...request, url, headers });
      const location = response.headers.get("location");
      if (response.status < 300 || response.status > 399 || response.status === 304 || location === null) {
        return { response, url };
      }
      await response.body?.cancel();
      url = this.#redirected(request.method, url, location);
    }
    throw new ManifestsError(
      "REGISTRY_ERROR",
      `Cannot ${request.method} ${redactUrl(request.url)} as it redirects too often`,
    );
  }

  #redirected(method: string, from: string, location: string): string {
    const to = URL.parse(location, from);
    const problem = !to || !["http:", "https:"].includes(to.protocol)
      ? "to what is no http URL"
      : method !== "GET" && method !== "HEAD"
      ? `to ${redactUrl(to.href)}, which is not followed for this method`
      : to.protocol === "http:" && from.startsWith("https:") && !this.#insecure
      ? `from https to ${redactUrl(to.href)}`
      : undefined;
    if (problem) {
      throw new ManifestsError("REGISTRY_ERROR", `Cannot ${method} ${redactUrl(from)} as it redirects ${problem}`);
    }
    return to!.href;
  }
}

function signalOption(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}

/** `fetch` says "fetch failed" whatever happened; what did is only in the text of the cause, next to the full URL. */
function networkError(method: string, url: string, error: unknown): ManifestsError {
  const causes: unknown[] = [];
  for (let at = error; at instanceof Error && causes.length < 8; at = at.cause) causes.push(at);
  const domain = causes.find((at) => at instanceof ManifestsError);
  if (domain) return domain as ManifestsError;
  const text = String((causes.at(-1) as Error | undefined)?.message ?? error);
  const tail = (/client error.*/s.exec(text)?.[0] ?? text).replace(/https?:\/\/\S+/g, "");
  // The error of `fetch` is no cause to show: it holds the whole URL, which may be signed.
  return new ManifestsError("NETWORK", `Cannot ${method} ${redactUrl(url)}: ${tail.slice(0, 300)}`);
}
