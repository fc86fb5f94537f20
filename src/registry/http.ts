import { delay } from "@std/async";
import {
  abortable,
  type ByteStream,
  type Fetch,
  findRetryAfter,
  findUrl,
  isTransientStatus,
  joinSignals,
  retryDelay,
  Semaphore,
} from "../internal/room.ts";
import { ManifestsError, type RetryEvent } from "../spec/room.ts";
import { isBlockedPort } from "./blocked_ports.ts";
import type { HttpRequest, HttpResponse, Timeouts } from "./http_types.ts";
import { HostPauses } from "./pause.ts";
import { isTransientError } from "./failures.ts";
import { findRateLimit } from "./rate_limit.ts";
import { redactUrl } from "./redact.ts";

/** Requests to one host that may wait for an answer at once. */
const MAX_REQUESTS_PER_HOST = 32;
/** How long an answer's headers may take, in milliseconds, where the request has no streamed body. */
const HEADERS_TIMEOUT = 60_000;
const MAX_REDIRECTS = 10;
/** Redirects that keep method and body (RFC 9110 §15.4.8, §15.4.9); of the others, only those of reading are followed. */
const SAME_METHOD: readonly number[] = [307, 308];
/** How often a request is repeated where the caller does not say. */
export const DEFAULT_RETRIES = 3;
/** Failures before a server looked at the request: too early, too many, a gateway's (a CDN's are 520 to 524). */
const REFUSED_STATUSES: readonly number[] = [408, 425, 429, 502, 503, 504, 520, 521, 522, 523, 524];

/** A failed attempt that another one follows. */
type FailedAttempt = Pick<RetryEvent, "step" | "maxRetries" | "error">;

/** Options for {@linkcode HttpClient}. */
export interface HttpClientOptions {
  /** Sends a request. */
  readonly fetch: Fetch;
  /** `User-Agent` header. */
  readonly userAgent: string;
  /** Whether redirects may lead from https to http. */
  readonly insecure: boolean;
  /** How patient it is. */
  readonly timeouts?: Timeouts | undefined;
  /** Told of every answer, redirects included. */
  readonly onAnswer?: ((response: Response) => void) | undefined;
  /** Told of every failed attempt that another one follows, before the wait. */
  readonly onRetry?: ((event: RetryEvent) => void) | undefined;
}

/** Sends requests to one host: redirects by our own rules, bounded concurrency, retries where that is safe. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #timeouts: Timeouts;
  readonly #slots = new Semaphore(MAX_REQUESTS_PER_HOST);
  readonly #pauses = new HostPauses();

  /** Creates a client; nothing is sent. */
  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#timeouts = options.timeouts ?? {};
  }

  /** Sends a request; repeats it after passing failures where that is safe: see {@linkcode isRepeatable}. */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const { method, url, signal, maxRetries = this.#timeouts.maxRetries ?? DEFAULT_RETRIES } = request;
    const step = `${method} ${redactUrl(url)}`;
    for (let attempt = 1;; attempt++) {
      const last = attempt > maxRetries;
      try {
        const { answer, limited } = await findRateLimit(method, await this.#follow(request));
        const { response } = answer;
        if (!limited && !mayAnswerLater(request, response.status)) return answer;
        // Other requests to the host wait too, even if this one is not repeated.
        const asked = findRetryAfter(response.headers);
        if (asked !== undefined) this.#pauses.note(new URL(answer.url).origin, asked);
        if (last || !isRepeatable(request, limited ? 429 : response.status)) return answer;
        await response.body?.cancel();
        const error = new ManifestsError("NETWORK", `${new URL(answer.url).host} answered ${response.status}`);
        const failed = { step, maxRetries, error };
        if (asked === undefined) await this.pause(attempt, signal, failed);
        else this.#report(attempt, asked, failed);
      } catch (error) {
        const passing = error instanceof ManifestsError && isTransientError(error) && isRepeatable(request);
        if (last || !passing) throw error;
        await this.pause(attempt, signal, { step, maxRetries, error });
      }
    }
  }

  /** Waits before another attempt, the longer the more there were; reports the one that `failed`, if any. */
  async pause(attempt: number, signal?: AbortSignal, failed?: FailedAttempt): Promise<void> {
    const wait = retryDelay(attempt, this.#timeouts.retryDelay);
    if (failed) this.#report(attempt, wait, failed);
    await delay(wait, signalOption(signal));
  }

  /** A listener that throws does not fail the request. */
  #report(attempt: number, delay: number, failed: FailedAttempt): void {
    try {
      this.#options.onRetry?.({ ...failed, attempt, delay });
    } catch {
      // See above.
    }
  }

  /** Sends a request once, redirects not followed unless that is said. */
  async sendOnce(request: HttpRequest, redirect: RequestRedirect = "manual"): Promise<Response> {
    const { method, url, headers, body, signal } = request;
    await this.#pauses.wait(new URL(url).origin, signal);
    using _slot = await this.#slots.acquire(signal);
    const timeout = new AbortController();
    using joined = joinSignals(signal, timeout.signal);
    const streamed = body instanceof ReadableStream;
    const sent = new Request(url, {
      method,
      // Without this, `fetch` inflates bodies, and neither digest nor length describe what is read.
      headers: { "accept-encoding": "identity", "user-agent": this.#options.userAgent, ...headers },
      body: body ?? null,
      redirect,
      ...(streamed ? { duplex: "half" } : {}),
      signal: joined.signal,
    });
    const timer = streamed ? undefined : setTimeout(
      () =>
        timeout.abort(new ManifestsError("NETWORK", `Cannot ${method} ${redactUrl(url)} as no answer came in time`)),
      request.headersTimeout ?? this.#timeouts.headersTimeout ?? HEADERS_TIMEOUT,
    );
    try {
      const response = await awaitAnswer(this.#options.fetch(sent), joined.signal);
      this.#options.onAnswer?.(response);
      return response;
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
    let { url, body } = request;
    let authorized = true;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const headers = { ...request.headers };
      // Credentials are for the registry alone, not for where it sends us, nor for where that sends us back to.
      authorized &&= new URL(url).origin === origin;
      if (!authorized) delete headers.authorization;
      const response = await this.sendOnce({ ...request, url, headers, body });
      if (response.type === "opaqueredirect") return await this.#followUnseen({ ...request, url, headers });
      const location = response.headers.get("location");
      if (response.status < 300 || response.status > 399 || response.status === 304 || location === null) {
        // A `fetch` of the caller may have followed redirects by itself.
        if (response.redirected && response.url !== "") url = response.url;
        return { response, url, stallTimeout: this.#timeouts.stallTimeout, signal: request.signal };
      }
      await response.body?.cancel();
      const from = url;
      url = this.#redirected(request, from, { status: response.status, location });
      if (body instanceof ReadableStream) body = await this.#reopened(request, from, url);
    }
    throw new ManifestsError(
      "REGISTRY_ERROR",
      `Cannot ${request.method} ${redactUrl(request.url)} as it redirects too often`,
    );
  }

  async #reopened({ method, reopen }: HttpRequest, from: string, to: string): Promise<ByteStream> {
    if (reopen) return await reopen();
    throw new ManifestsError(
      "REGISTRY_ERROR",
      `Cannot ${method} ${redactUrl(from)}: it redirects to ${redactUrl(to)}, and the body cannot be sent again`,
    );
  }

  /**
   * Lets a browser follow a redirect, as it does not show where that leads: it keeps credentials from other origins
   * itself. Where that must be known beforehand, the redirect is not followed.
   */
  async #followUnseen(request: HttpRequest): Promise<HttpResponse> {
    const { method, url, findProblem } = request;
    if (findProblem || (method !== "GET" && method !== "HEAD")) {
      throw new ManifestsError(
        "REGISTRY_ERROR",
        `Cannot ${method} ${redactUrl(url)} as it redirects to a place unseen`,
      );
    }
    const response = await this.sendOnce(request, "follow");
    this.#redirected(request, url, { status: response.status, location: response.url });
    return { response, url: response.url, stallTimeout: this.#timeouts.stallTimeout, signal: request.signal };
  }

  #redirected(
    { method, findProblem }: HttpRequest,
    from: string,
    answer: { status: number; location: string },
  ): string {
    const to = findUrl(answer.location, from);
    const problem = !to || !["http:", "https:"].includes(to.protocol)
      ? "to what is no http URL"
      : method !== "GET" && method !== "HEAD" && !SAME_METHOD.includes(answer.status)
      ? `to ${redactUrl(to.href)} with ${answer.status}, which is not followed for this method`
      : to.protocol === "http:" && from.startsWith("https:") && !this.#options.insecure
      ? `from https to ${redactUrl(to.href)}`
      : findProblem?.(to);
    if (problem) {
      throw new ManifestsError("REGISTRY_ERROR", `Cannot ${method} ${redactUrl(from)} as it redirects ${problem}`);
    }
    // `fetch` would make an `Authorization` header of them.
    to!.username = to!.password = "";
    return to!.href;
  }
}

/** Whether a later answer to the same request may be a better one. Reading does no harm, so it also survives a 500. */
function mayAnswerLater({ method, isRepeatable }: HttpRequest, status: number): boolean {
  const reads = method === "GET" || method === "HEAD" || isRepeatable;
  return reads ? isTransientStatus(status) : REFUSED_STATUSES.includes(status);
}

/**
 * Whether a request may be sent again after this status, or after a network failure. Streams cannot. Of the others, only
 * a request that the server refused to look at, or whose double does no harm: an upload session too many is forgotten,
 * a chunk too many is not.
 */
function isRepeatable({ method, body, isRepeatable = false }: HttpRequest, status?: number): boolean {
  if (body instanceof ReadableStream) return false;
  if (status === 429 || status === 408) return true;
  return isRepeatable || (method !== "PATCH" && (method !== "POST" || body === undefined));
}

/** Waits for an answer until the signal aborts. A `fetch` that ignores the signal may still answer: nobody reads that. */
async function awaitAnswer(answer: Promise<Response>, signal: AbortSignal): Promise<Response> {
  try {
    return await abortable(answer, signal);
  } catch (error) {
    if (signal.aborted) answer.then(({ body }) => body?.cancel()).catch(() => {});
    throw error;
  }
}

function signalOption(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}

/**
 * Failures that no waiting cures, in the words of Deno, Node.js and their TLS libraries: certificates, a server without
 * TLS, names that do not exist, and what this process must not reach.
 */
const LASTING_FAILURE =
  /certificate|InvalidContentType|CERT_|SELF_SIGNED|UNABLE_TO_|ERR_TLS|EPROTO|Name or service not known|nodename nor servname|No such host|no address associated|ENOTFOUND|are blocked|Requires \w+ access/i;

/** How Deno, Node, Chromium, Firefox and Safari word the refusal of a port; the last three word other failures so too. */
const PORT_REFUSALS = /are blocked|bad port|failed to fetch|NetworkError|Load failed/i;

/** `fetch` says "fetch failed" whatever happened; what did is only in the text of the cause, next to the full URL. */
function networkError(method: string, url: string, error: unknown): ManifestsError {
  const causes: unknown[] = [];
  for (let at = error; at instanceof Error && causes.length < 8; at = at.cause) causes.push(at);
  const domain = causes.find((at) => at instanceof ManifestsError);
  if (domain) return domain as ManifestsError;
  const text = String((causes.at(-1) as Error | undefined)?.message ?? error);
  const { port } = new URL(url);
  if (isBlockedPort(new URL(url)) && PORT_REFUSALS.test(text)) {
    return new ManifestsError(
      "PORT_BLOCKED",
      `Cannot ${method} ${redactUrl(url)}: fetch refuses to connect to port ${port}. Use another port, or the main ` +
        "module instead of ./remote, which reaches such ports in another way",
    );
  }
  const tail = (/client error.*/s.exec(text)?.[0] ?? text).replace(/https?:\/\/\S+/g, "");
  // The error of `fetch` is no cause to show: it holds the whole URL, which may be signed.
  return new ManifestsError("NETWORK", `Cannot ${method} ${redactUrl(url)}: ${tail.slice(0, 300)}`, {
    isTransient: LASTING_FAILURE.test(text) ? false : undefined,
  });
}
