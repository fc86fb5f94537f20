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

/** A log that takes signatures in: Rekor, in its first version. */
export interface RekorOptions {
  /** Its address, as in `https://rekor.sigstore.dev`. */
  readonly url: string | URL;
  /** Replaces the global `fetch`. */
  readonly fetch?: Fetch | undefined;
  /**
   * How often a request is repeated after a failure that may pass.
   *
   * @default {3}
   */
  readonly maxRetries?: number | undefined;
  /**
   * Milliseconds before the first repetition, at most a tenth longer; doubles with each, up to 30 s.
   *
   * @default {1000}
   */
  readonly retryDelay?: number | undefined;
}

/** Largest answer that is read, in bytes; an entry with its proof has some thousand. */
const MAX_ANSWER = 1024 * 1024;
/** How long an answer may take, in milliseconds. */
const TIMEOUT = 60_000;

/** What a log is asked. */
export interface RekorRequest extends SignalOptions {
  /** HTTP method. */
  readonly method: "GET" | "POST";
  /** Path below the log's address. */
  readonly path: string;
  /** What it shall take in. */
  readonly record?: unknown;
}

/** What a log says. */
export interface RekorAnswer {
  /** What was asked. */
  readonly url: string;
  /** HTTP status. */
  readonly status: number;
  /** Where something else is; may be empty. */
  readonly location: string;
  /** How long the log asks its clients to wait, in milliseconds. */
  readonly retryAfter: number | undefined;
  /** All of it. */
  readonly body: Uint8Array;
}

/**
 * Asks a log, again after failures that may pass: what it has taken in already, it says so of.
 *
 * @throws {ManifestsError} With code `NETWORK`, or `LIMIT_EXCEEDED` where the answer is larger than 1 MiB.
 */
export async function askRekor(log: RekorOptions, request: RekorRequest): Promise<RekorAnswer> {
  const { maxRetries = 3 } = log;
  const { signal } = request;
  const url = toUrl(log, request);
  for (let attempt = 1;; attempt++) {
    let asked: number | undefined;
    try {
      const answer = await sendOnce(log.fetch ?? fetch, url, request);
      if (!isTransientStatus(answer.status) || attempt > maxRetries) return answer;
      asked = answer.retryAfter;
    } catch (error) {
      if (attempt > maxRetries || !isManifestsError(error, "NETWORK")) throw error;
    }
    await delay(asked ?? retryDelay(attempt, log.retryDelay), signal ? { signal } : {});
  }
}

/** Without what may be secret: logs let everybody in, and errors show their addresses. */
function toUrl({ url }: RekorOptions, { path }: RekorRequest): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname.replace(/\/+$/, "") + path;
}

async function sendOnce(fetch: Fetch, url: string, { method, record, signal }: RekorRequest): Promise<RekorAnswer> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(new Error("no answer came in time")), TIMEOUT);
  using joined = joinSignals(signal, timeout.signal);
  try {
    const response = await fetch(
      new Request(url, {
        method,
        headers: { accept: "application/json", ...(record ? { "content-type": "application/json" } : {}) },
        body: record ? JSON.stringify(record) : null,
        // A log answers where it is: whoever sends us elsewhere is none.
        redirect: "manual",
        signal: joined.signal,
      }),
    );
    const body = response.body ? await readStream(response.body, MAX_ANSWER, joined.signal) : new Uint8Array();
    if (!body) throw new ManifestsError("LIMIT_EXCEEDED", `Cannot read the answer of ${url} as it is too large`);
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
