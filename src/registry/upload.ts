import { type ByteStream, readStream } from "../internal/mod.ts";
import { type Digest, isManifestsError, ManifestsError, UNKNOWN_SIZE } from "../spec/mod.ts";
import { errorOf } from "./errors.ts";
import { redactUrl } from "./redact.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";

/** Blobs up to this size are sent in one request from memory; larger ones are streamed. */
const MAX_BUFFERED = 1024 * 1024;
/** How long the cancelling of a session may take, in milliseconds. */
const CANCEL_TIMEOUT = 5_000;
/** How long a streamed upload may stand still, or its answer take, in milliseconds. */
const STALL_TIMEOUT = 120_000;

/** How long a registry may take to put a blob together, in milliseconds. */
const COMMIT_TIMEOUT = 300_000;

/** An upload session that a registry has opened. */
export interface Upload {
  /** Where it goes on; absolute. */
  readonly location: string;
}

/** A blob that is about to be uploaded. */
export interface OutgoingBlob {
  /** Its size in bytes, or `UNKNOWN_SIZE`. */
  readonly size: number;
  /** Its digest. Asked for when everything has been sent: of what is compressed on the way, only its end tells. */
  digest(): Digest;
}

/** Sends an authenticated request of an upload. */
export type SendUpload = (request: Omit<HttpRequest, "url"> & { target: string }) => Promise<HttpResponse>;

/** What {@linkcode uploadBlob} needs. */
export interface UploadOptions {
  /** Sends an authenticated request. */
  send: SendUpload;
  /** Gives a session up; not ended by what ended the upload. */
  cancel: (upload: Upload) => Promise<void>;
  /** Whether the repository has the blob. */
  isThere: () => Promise<boolean>;
  /** Path at which sessions are opened. */
  start: string;
  /** A session that is open already. */
  upload?: Upload | undefined;
  /** The blob. */
  blob: OutgoingBlob;
  /** Its bytes, which fail where they are wrong. */
  stream: ByteStream;
}

/**
 * Uploads a blob (distribution-spec, "Pushing blobs"): a session, then one `PUT` for a small blob, or a streamed
 * `PATCH` and a closing `PUT`, as all registries take it. A failed session is cancelled.
 */
export async function uploadBlob(options: UploadOptions): Promise<void> {
  const { send, blob, stream } = options;
  const small = blob.size !== UNKNOWN_SIZE && blob.size <= MAX_BUFFERED;
  let location = options.upload?.location;
  try {
    // A small blob is read first: the session then cannot be left behind by a source that fails.
    const body = small ? await readStream(stream, MAX_BUFFERED) : new Uint8Array();
    location ??= await openSession(options);
    if (!small) location = await sendStream(send, location, stream);
    await closeSession(options, location, body!);
  } catch (error) {
    if (!stream.locked) await stream.cancel(error).catch(() => {});
    if (location !== undefined) await options.cancel({ location });
    throw error;
  }
}

/** Some registries answer with locations that hold signed queries: they are used as they are, never re-encoded. */
function locationOf({ response, url }: HttpResponse, fallback?: string): string {
  const location = response.headers.get("location");
  const resolved = location === null ? fallback : URL.parse(location, url)?.href;
  if (resolved === undefined) {
    throw new ManifestsError("REGISTRY_ERROR", "Cannot upload a blob as the registry gave no location for it");
  }
  return resolved;
}

async function openSession({ send, start }: UploadOptions): Promise<string> {
  const answer = await send({ method: "POST", target: start, headers: { "content-length": "0" } });
  if (answer.response.status !== 202) throw await errorOf("POST", answer);
  await answer.response.body?.cancel();
  return locationOf(answer);
}

/** Streams a blob into a session. */
async function sendStream(send: SendUpload, location: string, stream: ByteStream): Promise<string> {
  // `fetch` reports a failing body in its own words; the stream's own error is the one that tells what is wrong.
  let failure: { reason: unknown } | undefined;
  let ended = false;
  let cancelled = false;
  const stalled = new AbortController();
  const stall = () =>
    stalled.abort(new ManifestsError("NETWORK", `Cannot upload to ${redactUrl(location)} as nothing moves any more`));
  let timer = setTimeout(stall, STALL_TIMEOUT);
  const moved = () => {
    clearTimeout(timer);
    timer = setTimeout(stall, STALL_TIMEOUT);
  };
  // Read by hand, so that the source can be given back also while `fetch` still holds the body.
  const reader = stream.getReader();
  const body: ByteStream = new ReadableStream({
    async pull(controller) {
      moved();
      try {
        const { done, value } = await reader.read();
        ended = done;
        // A stream that nobody wants any more takes nothing, and that is no failure of the source.
        if (cancelled) return;
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (reason) {
        failure ??= { reason };
        throw reason;
      }
      moved();
    },
    cancel: (reason) => {
      cancelled = true;
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  try {
    const answer = await send({
      method: "PATCH",
      target: location,
      headers: { "content-type": "application/octet-stream" },
      body,
      signal: stalled.signal,
    });
    if (answer.response.status < 200 || answer.response.status > 299) throw await errorOf("PATCH", answer);
    await answer.response.body?.cancel();
    if (!ended) {
      throw new ManifestsError("REGISTRY_ERROR", `Cannot upload to ${redactUrl(location)} as it stopped reading`);
    }
    return locationOf(answer, location);
  } catch (error) {
    await reader.cancel(error).catch(() => {});
    throw failure ? failure.reason : error;
  } finally {
    clearTimeout(timer);
    reader.releaseLock();
  }
}

async function closeSession(options: UploadOptions, location: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
  const { send, blob, isThere } = options;
  const target = `${location}${location.includes("?") ? "&" : "?"}digest=${encodeURIComponent(blob.digest())}`;
  try {
    const headers = { "content-type": "application/octet-stream" };
    // Sent once: where the answer is lost, the session is over, and asking again could only fail.
    const answer = await send({ method: "PUT", target, headers, body, maxRetries: 0, headersTimeout: COMMIT_TIMEOUT });
    if (![200, 201, 204].includes(answer.response.status)) throw await errorOf("PUT", answer);
    await answer.response.body?.cancel();
  } catch (error) {
    const lost = isManifestsError(error, "NETWORK") || isManifestsError(error, "NOT_FOUND");
    if (!lost || !await isThere().catch(() => false)) throw error;
  }
}

/** Best effort: the registry forgets abandoned sessions by itself, later. */
export async function cancelSession(send: SendUpload, location: string): Promise<void> {
  try {
    const signal = AbortSignal.timeout(CANCEL_TIMEOUT);
    const { response } = await send({ method: "DELETE", target: location, signal, maxRetries: 0 });
    await response.body?.cancel();
  } catch {
    // The failure that led here is the one to report.
  }
}
