import { delay } from "@std/async";
import {
  type Fetch,
  findRetryAfter,
  isTransientStatus,
  joinSignals,
  readStream,
  retryDelay,
  type SignalOptions,
} from "../../internal/room.ts";
import { isManifestsError, ManifestsError } from "../../spec/room.ts";

/** A transparency log that records signatures: Rekor, version 1. */
export interface RekorOptions {
  /** URL of the log, such as `https://rekor.sigstore.dev`. */
  readonly url: string | URL;
  /** Function that sends requests. Default: the global `fetch`. */
  readonly fetch?: Fetch | undefined;
  /**
   * Maximum number of retries of a request after a transient failure.
   *
   * @default {3}
   */
  readonly maxRetries?: number | undefined;
  /**
   * Delay before the first retry, in milliseconds, plus up to 10 % of jitter. Doubles with each retry, up to 30 s.
   *
   * @default {1000}
   */
  readonly retryDelay?: number | undefined;
}

/** Maximum size of an answer, in bytes. An entry with its proof has a few thousand. */
const MAX_ANSWER = 1024 * 1024;
/** Timeout of a request, in milliseconds. */
const TIMEOUT = 60_000;

/** A request to a log. */
export interface RekorRequest extends SignalOptions {
  /** HTTP method of the request. */
  readonly method: "GET" | "POST";
  /** Path below the URL of the log. */
  readonly path: string;
  /** Record to send as JSON. Default: no body. */
  readonly record?: unknown;
}

/** An answer of a log. */
export interface RekorAnswer {
  /** URL to which the request was sent. */
  readonly url: string;
  /** HTTP status of the answer. */
  readonly status: number;
  /** Value of the `location` header; empty if there is none. */
  readonly location: string;
  /** Requested delay before a retry, in milliseconds; `undefined` if the log did not request one. */
  readonly retryAfter: number | undefined;
  /** Body of the answer, at most 1 MiB. */
  readonly body: Uint8Array;
}

/**
 * Sends a request to a log, with retries after transient failures. Retrying is safe: the log answers 409 for a record
 * that it already has.
 *
 * @throws {ManifestsError} With code `NETWORK`, or `LIMIT_EXCEEDED` if the answer is larger than 1 MiB.
 */
export async function askRekor(log: RekorOptions, request: RekorRequest): Promise<RekorAnswer> {
  const { maxRetries = 3 } = log;
  const { signal } = request;
  const url = toUrl(log, request);
  for (let attempt = 1;; attempt++) {
    let requestedDelay: number | undefined;
    try {
      const answer = await sendOnce(log.fetch ?? fetch, url, request);
      if (!isTransientStatus(answer.status) || attempt > maxRetries) return answer;
      requestedDelay = answer.retryAfter;
    } catch (error) {
      if (attempt > maxRetries || !isManifestsError(error, "NETWORK")) throw error;
    }
    await delay(requestedDelay ?? retryDelay(attempt, log.retryDelay), signal ? { signal } : {});
  }
}

/** Returns a URL without user, password and query: logs are public, and error messages show the URL. */
function toUrl({ url }: RekorOptions, { path }: RekorRequest): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname.replace(/\/+$/, "") + path;
}

async function sendOnce(fetch: Fetch, url: string, { method, record, signal }: RekorRequest): Promise<RekorAnswer> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(new Error(`no answer within ${TIMEOUT / 1000} seconds`)), TIMEOUT);
  using joined = joinSignals(signal, timeout.signal);
  try {
    const response = await fetch(
      new Request(url, {
        method,
        headers: { accept: "application/json", ...(record ? { "content-type": "application/json" } : {}) },
        body: record ? JSON.stringify(record) : null,
        // Logs do not redirect, so a redirect is not followed and fails by its status.
        redirect: "manual",
        signal: joined.signal,
      }),
    );
    const body = response.body ? await readStream(response.body, MAX_ANSWER, joined.signal) : new Uint8Array();
    if (!body) {
      throw new ManifestsError(
        "LIMIT_EXCEEDED",
        `Cannot read the answer of ${url}: it has more than ${MAX_ANSWER} bytes`,
      );
    }
    const { status, headers } = response;
    return { url, status, location: headers.get("location") ?? "", retryAfter: findRetryAfter(headers), body };
  } catch (cause) {
    signal?.throwIfAborted();
    if (isManifestsError(cause)) throw cause;
    throw new ManifestsError("NETWORK", `Cannot reach the log at ${url}: ${(cause as Error).message}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}
