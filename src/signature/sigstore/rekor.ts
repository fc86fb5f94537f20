import { delay } from "@std/async";
import {
  backoffDelay,
  encodeBase64,
  encodeUtf8,
  type Fetch,
  readStream,
  type SignalOptions,
} from "../../internal/mod.ts";
import { isManifestsError, isObject, ManifestsError, parseJson } from "../../spec/mod.ts";
import { checkLogEntry, type LoggedSignature, payloadHash } from "./log_entry.ts";
import { encodePem } from "./pem.ts";

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
   * Milliseconds before the first repetition, on average half of it; doubles with each.
   *
   * @default {1000}
   */
  readonly retryDelay?: number | undefined;
}

const ENTRIES = "/api/v1/log/entries";
/** Largest answer that is read, in bytes; an entry with its proof has some thousand. */
const MAX_ANSWER = 1024 * 1024;
/** How long an answer may take, in milliseconds. */
const TIMEOUT = 60_000;

/**
 * Has a log take a signature in. Nothing secret goes there, but everybody can read it, for ever. Go:
 * `rekor.WithRekor`.
 *
 * @returns The annotation that proves it: the log's signed entry timestamp, and what it signed.
 * @throws {ManifestsError} With code `SIGNING_FAILED` or `NETWORK`.
 */
export async function logSignature(
  signature: LoggedSignature,
  log: RekorOptions,
  options: SignalOptions = {},
): Promise<string> {
  const record = createRecord(signature);
  let answer = await send(log, "POST", ENTRIES, options, record);
  // It took in the same before: perhaps a moment ago, with an answer that did not arrive.
  if (answer.status === 409) {
    const uuid = answer.location.slice(answer.location.lastIndexOf("/") + 1);
    answer = await send(log, "GET", `${ENTRIES}/${encodeURIComponent(uuid)}`, options);
    if (answer.status !== 200) fail(answer);
  } else if (answer.status !== 201) fail(answer);
  try {
    const bundle = readBundle(answer.body);
    checkLogEntry(bundle, signature);
    return bundle;
  } catch (cause) {
    if (!isManifestsError(cause)) throw cause;
    throw new ManifestsError("SIGNING_FAILED", `Cannot use the entry of ${answer.url} as it would not be accepted`, {
      cause,
    });
  }
}

function createRecord({ payload, raw, signer }: LoggedSignature): unknown {
  const publicKey = { content: encodeBase64(encodeUtf8(encodePem("PUBLIC KEY", signer))) };
  return {
    apiVersion: "0.0.1",
    kind: "hashedrekord",
    spec: {
      data: { hash: { algorithm: "sha256", value: payloadHash(payload) } },
      signature: { content: encodeBase64(raw), publicKey },
    },
  };
}

/** What verifiers want to have of an answer, which holds one entry under its name. */
function readBundle(body: Uint8Array): string {
  const { value } = parseJson(body, "log entry");
  const entries = isObject(value) ? Object.values(value) : [];
  const entry = entries.length === 1 && isObject(entries[0]) ? entries[0] : {};
  const { body: record, integratedTime, logIndex, logID, verification } = entry;
  const { signedEntryTimestamp } = isObject(verification) ? verification : {};
  return JSON.stringify({
    Payload: { body: record, integratedTime, logIndex, logID },
    SignedEntryTimestamp: signedEntryTimestamp,
  });
}

interface Answer {
  /** What was asked. */
  readonly url: string;
  readonly status: number;
  readonly location: string;
  readonly body: Uint8Array;
}

/** Asks the log, again after failures that may pass: what it has already it says so of. */
async function send(
  log: RekorOptions,
  method: string,
  path: string,
  { signal }: SignalOptions,
  record?: unknown,
): Promise<Answer> {
  const { url, maxRetries = 3, retryDelay = 1000 } = log;
  const target = new URL(url);
  target.pathname = target.pathname.replace(/\/+$/, "") + path;
  for (let attempt = 1;; attempt++) {
    try {
      const answer = await sendOnce(log.fetch ?? fetch, { method, url: target.href, record, signal });
      const passes = answer.status === 429 || (answer.status >= 500 && answer.status !== 501);
      if (!passes || attempt > maxRetries) return answer;
    } catch (error) {
      if (attempt > maxRetries || !isManifestsError(error, "NETWORK")) throw error;
    }
    await delay(backoffDelay(attempt, retryDelay / 2), signal ? { signal } : {});
  }
}

interface LogRequest extends SignalOptions {
  readonly method: string;
  readonly url: string;
  readonly record: unknown;
}

async function sendOnce(fetch: Fetch, { method, url, record, signal }: LogRequest): Promise<Answer> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(new Error("no answer came in time")), TIMEOUT);
  try {
    const response = await fetch(
      new Request(url, {
        method,
        headers: { accept: "application/json", ...(record ? { "content-type": "application/json" } : {}) },
        body: record ? JSON.stringify(record) : null,
        // A log answers where it is: whoever sends us elsewhere is none.
        redirect: "manual",
        signal: AbortSignal.any([timeout.signal, ...(signal ? [signal] : [])]),
      }),
    );
    const body = response.body ? await readStream(response.body, MAX_ANSWER) : new Uint8Array();
    if (!body) throw new ManifestsError("LIMIT_EXCEEDED", `Cannot read the answer of ${url} as it is too large`);
    return { url, status: response.status, location: response.headers.get("location") ?? "", body };
  } catch (cause) {
    signal?.throwIfAborted();
    if (isManifestsError(cause)) throw cause;
    throw new ManifestsError("NETWORK", `Cannot reach the log at ${url}: ${(cause as Error).message}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

function fail({ url, status, body }: Answer): never {
  let said: unknown;
  try {
    said = JSON.parse(new TextDecoder().decode(body)).message;
  } catch {
    // It said nothing that is meant for us.
  }
  const words = typeof said === "string" ? `: ${JSON.stringify(said.slice(0, 300))}` : "";
  throw new ManifestsError("SIGNING_FAILED", `Cannot log signature as ${url} answered ${status}${words}`);
}
