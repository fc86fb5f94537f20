import { type ByteStream, readStream } from "../internal/mod.ts";
import { type Descriptor, ManifestsError, UNKNOWN_SIZE } from "../spec/mod.ts";
import { errorOf } from "./errors.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";

/** Blobs up to this size are sent in one request from memory; larger ones are streamed. */
const MAX_BUFFERED = 1024 * 1024;
/** How long the cancelling of a session may take, in milliseconds. */
const CANCEL_TIMEOUT = 5_000;

/** An upload session that a registry has opened. */
export interface Upload {
  /** Where it goes on; absolute. */
  readonly location: string;
}

/** What {@linkcode uploadBlob} needs. */
export interface UploadOptions {
  /** Sends an authenticated request. */
  send: (request: Omit<HttpRequest, "url"> & { target: string }) => Promise<HttpResponse>;
  /** Path at which sessions are opened. */
  start: string;
  /** A session that is open already. */
  upload?: Upload | undefined;
  /** The blob. */
  descriptor: Descriptor;
  /** Its bytes, which fail where they are wrong. */
  stream: ByteStream;
}

/**
 * Uploads a blob (distribution-spec, "Pushing blobs"): a session, then one `PUT` for a small blob, or a streamed
 * `PATCH` and a closing `PUT`, as all registries take it. A failed session is cancelled.
 */
export async function uploadBlob(options: UploadOptions): Promise<void> {
  const { send, descriptor, stream } = options;
  const small = descriptor.size !== UNKNOWN_SIZE && descriptor.size <= MAX_BUFFERED;
  let location: string | undefined;
  try {
    // A small blob is read first: the session then cannot be left behind by a source that fails.
    const body = small ? await readStream(stream, MAX_BUFFERED) : new Uint8Array();
    location = options.upload?.location ?? await openSession(options);
    if (!small) location = await sendStream(send, location, stream);
    await closeSession(send, location, descriptor, body!);
  } catch (error) {
    await stream.cancel(error).catch(() => {});
    if (location !== undefined) await cancelSession(send, location);
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
  if (answer.response.status !== 202) throw await errorOf("POST", answer.response, answer.url);
  await answer.response.body?.cancel();
  return locationOf(answer);
}

async function sendStream(send: UploadOptions["send"], location: string, stream: ByteStream): Promise<string> {
  // `fetch` reports a failing body in its own words; the stream's own error is the one that tells what is wrong.
  let failure: { reason: unknown } | undefined;
  const reader = stream.getReader();
  const body: ByteStream = new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (reason) {
        failure ??= { reason };
        throw reason;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  try {
    const answer = await send({
      method: "PATCH",
      target: location,
      headers: { "content-type": "application/octet-stream" },
      body,
    });
    if (answer.response.status < 200 || answer.response.status > 299) {
      throw await errorOf("PATCH", answer.response, answer.url);
    }
    await answer.response.body?.cancel();
    return locationOf(answer, location);
  } catch (error) {
    throw failure ? failure.reason : error;
  } finally {
    await reader.cancel().catch(() => {});
    reader.releaseLock();
  }
}

async function closeSession(
  send: UploadOptions["send"],
  location: string,
  descriptor: Descriptor,
  body: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const answer = await send({
    method: "PUT",
    target: `${location}${location.includes("?") ? "&" : "?"}digest=${encodeURIComponent(descriptor.digest)}`,
    headers: { "content-type": "application/octet-stream" },
    body,
  });
  const { status } = answer.response;
  if (status !== 201 && status !== 200 && status !== 204) throw await errorOf("PUT", answer.response, answer.url);
  await answer.response.body?.cancel();
}

/** Best effort: the registry forgets abandoned sessions by itself, later. */
async function cancelSession(send: UploadOptions["send"], location: string): Promise<void> {
  try {
    const { response } = await send({
      method: "DELETE",
      target: location,
      signal: AbortSignal.timeout(CANCEL_TIMEOUT),
    });
    await response.body?.cancel();
  } catch {
    // The failure that led here is the one to report.
  }
}
