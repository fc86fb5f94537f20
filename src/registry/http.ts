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
  startTimer,
} from "../internal/room.ts";
import { ManifestsError, type RetryEvent } from "../spec/room.ts";
import type { HttpRequest, HttpResponse, Timeouts } from "./http_types.ts";
import { isTransientError } from "./failures.ts";
import { toNetworkError } from "./network_error.ts";
import { HostPauses } from "./pause.ts";
import { findRateLimit } from "./rate_limit.ts";
import { redactUrl } from "./redact.ts";
import { rememberBytes, withLength } from "./sized_body.ts";

/** Maximum number of concurrent requests of one client: enough to hide latency, few enough for rate limits. */
const MAX_REQUESTS_PER_HOST = 32;
/**
 * Default for the maximum time until the headers of a response arrive, in milliseconds; not for streamed bodies. Proxies
 * commonly give up after 60 s, so that a later answer is unlikely.
 */
const HEADERS_TIMEOUT = 60_000;
/** Maximum number of redirects that one request follows, as in Go's `net/http`. */
const MAX_REDIRECTS = 10;
/** Redirects that keep method and body (RFC 9110 §15.4.8, §15.4.9). The others are followed for `GET` and `HEAD` only. */
const SAME_METHOD: readonly number[] = [307, 308];
/** Default for the maximum number of repetitions of a request, as of podman and buildah (`--retry`). */
export const DEFAULT_RETRIES = 3;
/** Statuses of requests that the server did not process: too early, too many, a gateway's (a CDN's are 520 to 524). */
const UNPROCESSED_STATUSES: readonly number[] = [408, 425, 429, 502, 503, 504, 520, 521, 522, 523, 524];

/** A failed attempt before a repetition. */
type FailedAttempt = Pick<RetryEvent, "step" | "maxRetries" | "error">;

/** Options for {@linkcode HttpClient}. */
export interface HttpClientOptions {
  /** Sends a single request, like the global `fetch`. */
  readonly fetch: Fetch;
  /** Value of the `User-Agent` header. */
  readonly userAgent: string;
  /** Redirects may lead from https to http. */
  readonly insecure: boolean;
  /** Time limits and delays. Default: those named at each member. */
  readonly timeouts?: Timeouts | undefined;
  /** Called for every response, including redirects. */
  readonly onAnswer?: ((response: Response) => void) | undefined;
  /** Called before a request is repeated, before the pause. Default: repetitions are not reported. */
  readonly onRetry?: ((event: RetryEvent) => void) | undefined;
}

/** Sends requests: follows redirects by its own rules, limits concurrency, and repeats requests if that is safe. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #timeouts: Timeouts;
  readonly #slots = new Semaphore(MAX_REQUESTS_PER_HOST);
  readonly #pauses = new HostPauses();
  #fastest = Infinity;

  /** Creates a client; no request is sent. */
  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#timeouts = options.timeouts ?? {};
  }

  /** Time in which the fastest answer arrived, in milliseconds: at least one way there and back; `Infinity` before it. */
  get fastest(): number {
    return this.#fastest;
  }

  /**
   * Sends a request; repeats it after temporary failures if that is safe (see {@linkcode isRepeatable}).
   *
   * @returns The response, whatever its status.
   * @throws {ManifestsError} With code `NETWORK` if no response arrives, `PORT_BLOCKED` if `fetch` refuses the port,
   * `REGISTRY_ERROR` if a redirect must not be followed.
   */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const { method, url, signal, maxRetries = this.#timeouts.maxRetries ?? DEFAULT_RETRIES } = request;
    const fail = (error: ManifestsError) => ({ step: `${method} ${redactUrl(url)}`, maxRetries, error });
    for (let attempt = 1;; attempt++) {
      const isLast = attempt > maxRetries;
      try {
        const { answer, limited } = await findRateLimit(method, await this.#follow(request));
        const { response } = answer;
        if (!limited && !mayAnswerLater(request, response.status)) return answer;
        // All requests to this host wait as long as it asked, even if this one is not repeated.
        const requested = findRetryAfter(response.headers);
        if (requested !== undefined) this.#pauses.note(new URL(answer.url).origin, requested);
        if (isLast || !isRepeatable(request, limited ? 429 : response.status)) return answer;
        await response.body?.cancel();
        const text = `${new URL(answer.url).host} answered ${response.status}`;
        const failed = fail(new ManifestsError("NETWORK", text));
        if (requested === undefined) await this.pause(attempt, signal, failed);
        else this.#report(attempt, requested, failed);
      } catch (error) {
        const isTemporary = error instanceof ManifestsError && isTransientError(error) && isRepeatable(request);
        if (isLast || !isTemporary) throw error;
        await this.pause(attempt, signal, fail(error));
      }
    }
  }

  /** Waits before the next attempt, longer after each one; reports the `failed` attempt, if given. */
  async pause(attempt: number, signal?: AbortSignal, failed?: FailedAttempt): Promise<void> {
    const wait = retryDelay(attempt, this.#timeouts.retryDelay);
    if (failed) this.#report(attempt, wait, failed);
    await delay(wait, signalOption(signal));
  }

  /** Reports a failed attempt. A listener that throws does not fail the request. */
  #report(attempt: number, delay: number, failed: FailedAttempt): void {
    try {
      this.#options.onRetry?.({ ...failed, attempt, delay });
    } catch {
      // The request goes on: only the report is lost.
    }
  }

  /** Sends a request once; follows no redirects by default. */
  async sendOnce(request: HttpRequest, redirect: RequestRedirect = "manual"): Promise<Response> {
    const { method, url, headers, body, size, signal } = request;
    if (!this.#pauses.isEmpty) await this.#pauses.wait(new URL(url).origin, signal);
    using _slot = await this.#slots.acquire(signal);
    const timeout = new AbortController();
    using joined = joinSignals(signal, timeout.signal);
    const streamed = body instanceof ReadableStream;
    const sized = streamed && size !== undefined ? withLength(body, size) : undefined;
    const sent = new Request(url, {
      method,
      // Otherwise `fetch` decompresses bodies, and neither digest nor length describe the bytes that are read.
      headers: {
        "accept-encoding": "identity",
        "user-agent": this.#options.userAgent,
        ...headers,
        ...sized?.headers,
      },
      body: sized?.body ?? body ?? null,
      redirect,
      ...(streamed ? { duplex: "half" } : {}),
      signal: joined.signal,
    });
    if (body instanceof Uint8Array) rememberBytes(sent, body);
    const stopTimer = streamed ? undefined : startTimer(
      request.headersTimeout ?? this.#timeouts.headersTimeout ?? HEADERS_TIMEOUT,
      () =>
        timeout.abort(new ManifestsError("NETWORK", `Cannot ${method} ${redactUrl(url)}: no response arrived in time`)),
    );
    const sentAt = performance.now();
    try {
      const response = await awaitAnswer(this.#options.fetch(sent), joined.signal);
      this.#fastest = Math.min(this.#fastest, performance.now() - sentAt);
      this.#options.onAnswer?.(response);
      return response;
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      if (timeout.signal.aborted) throw timeout.signal.reason;
      throw toNetworkError(method, url, cause);
    } finally {
      stopTimer?.();
    }
  }

  async #follow(request: HttpRequest): Promise<HttpResponse> {
    let { url, body } = request;
    let isAuthorized = true;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const headers = { ...request.headers };
      // Credentials are for the first origin only: neither for a redirect's target, nor for a redirect back from there.
      isAuthorized &&= url === request.url || new URL(url).origin === new URL(request.url).origin;
      if (!isAuthorized) delete headers.authorization;
      const response = await this.sendOnce({ ...request, url, headers, body });
      if (response.type === "opaqueredirect") return await this.#followUnseen({ ...request, url, headers });
      const location = response.headers.get("location");
      if (response.status < 300 || response.status > 399 || response.status === 304 || location === null) {
        // A `fetch` that the caller gave may have followed redirects by itself.
        if (response.redirected && response.url !== "") url = response.url;
        return { response, url, stallTimeout: this.#timeouts.stallTimeout, signal: request.signal };
      }
      await response.body?.cancel();
      const from = url;
      url = this.#resolveRedirect(request, from, { status: response.status, location });
      if (body instanceof ReadableStream) body = await this.#reopen(request, from, url);
    }
    throw new ManifestsError(
      "REGISTRY_ERROR",
      `Cannot ${request.method} ${redactUrl(request.url)}: more than ${MAX_REDIRECTS} redirects`,
    );
  }

  async #reopen({ method, reopen }: HttpRequest, from: string, to: string): Promise<ByteStream> {
    if (reopen) return await reopen();
    throw new ManifestsError(
      "REGISTRY_ERROR",
      `Cannot ${method} ${redactUrl(from)}: it redirects to ${redactUrl(to)}, and the body cannot be sent again`,
    );
  }

  /**
   * Lets a browser follow a redirect, because its `fetch` does not reveal the location; it removes credentials for other
   * origins itself. The redirect is an error if its location must be known beforehand.
   */
  async #followUnseen(request: HttpRequest): Promise<HttpResponse> {
    const { method, url, findProblem } = request;
    if (findProblem || (method !== "GET" && method !== "HEAD")) {
      throw new ManifestsError(
        "REGISTRY_ERROR",
        `Cannot ${method} ${redactUrl(url)}: it redirects, and browsers do not reveal where to`,
      );
    }
    const response = await this.sendOnce(request, "follow");
    this.#resolveRedirect(request, url, { status: response.status, location: response.url });
    return { response, url: response.url, stallTimeout: this.#timeouts.stallTimeout, signal: request.signal };
  }

  #resolveRedirect(
    { method, findProblem }: HttpRequest,
    from: string,
    answer: { status: number; location: string },
  ): string {
    const to = findUrl(answer.location, from);
    const problem = !to || !["http:", "https:"].includes(to.protocol)
      ? "to a location that is not an http(s) URL"
      : method !== "GET" && method !== "HEAD" && !SAME_METHOD.includes(answer.status)
      ? `to ${redactUrl(to.href)} with ${answer.status}, which is followed for GET and HEAD only`
      : to.protocol === "http:" && from.startsWith("https:") && !this.#options.insecure
      ? `from https to ${redactUrl(to.href)}`
      : findProblem?.(to);
    if (problem) {
      throw new ManifestsError("REGISTRY_ERROR", `Cannot ${method} ${redactUrl(from)}: it redirects ${problem}`);
    }
    // `fetch` would send them in an `Authorization` header.
    to!.username = to!.password = "";
    return to!.href;
  }
}

/** Returns whether the same request may succeed later. Reads may be repeated after every 5xx, because they change nothing. */
function mayAnswerLater({ method, isRepeatable }: HttpRequest, status: number): boolean {
  const isRead = method === "GET" || method === "HEAD" || isRepeatable;
  return isRead ? isTransientStatus(status) : UNPROCESSED_STATUSES.includes(status);
}

/**
 * Returns whether a request may be sent again after this status, or after a network failure (`undefined`). A stream
 * cannot be sent again. Other requests can if the server did not process them, or if sending them twice is harmless: a
 * superfluous upload session expires, but a chunk that is sent twice corrupts the upload.
 */
function isRepeatable({ method, body, isRepeatable = false }: HttpRequest, status?: number): boolean {
  if (body instanceof ReadableStream) return false;
  if (status === 429 || status === 408) return true;
  return isRepeatable || (method !== "PATCH" && (method !== "POST" || body === undefined));
}

/** Waits for a response until the signal aborts. A `fetch` that ignores the signal may still answer: cancel that body. */
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
