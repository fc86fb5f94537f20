import { type DigestAlgorithm, isManifestsError, ManifestsError } from "../spec/room.ts";
import { readError } from "./errors.ts";
import type { HttpRequest, HttpResponse } from "./http_types.ts";
import { findLocation } from "./location.ts";
import { redactUrl } from "./redact.ts";

/** Maximum time for cancelling a session, in milliseconds. */
const CANCEL_TIMEOUT = 5_000;
/** Maximum time until a registry has assembled a blob and answers, in milliseconds. */
const COMMIT_TIMEOUT = 300_000;
/** Minimum speed at which a chunk must be sent, in bytes per millisecond. */
const SLOWEST = 16;
const OCTETS = { "content-type": "application/octet-stream" };

/** An upload session that a registry has opened; see {@linkcode Repository.mountBlob}. */
export interface Upload {
  /** Absolute URL at which the upload continues. */
  readonly location: string;
  /** Minimum length of every chunk but the last, in bytes; `undefined` if the registry announces none. */
  readonly chunkMinLength?: number | undefined;
  /** Maximum length of a request, in bytes; `undefined` if the registry announces none. */
  readonly chunkMaxLength?: number | undefined;
}

/** Sends an authenticated request of an upload. */
export type SendUpload = (request: Omit<HttpRequest, "url"> & { target: string }) => Promise<HttpResponse>;

/** Returns the session that a response has opened; `undefined` if it has opened none. */
export function findUpload(answer: HttpResponse): Upload | undefined {
  const location = findLocation(answer);
  if (answer.response.status !== 202 || location === undefined) return undefined;
  const { headers } = answer.response;
  return {
    location,
    chunkMinLength: findLength(headers.get("oci-chunk-min-length")),
    chunkMaxLength: findLength(headers.get("oci-chunk-max-length")),
  };
}

function findLength(header: string | null): number | undefined {
  const length = Number(header ?? NaN);
  return Number.isSafeInteger(length) && length > 0 ? length : undefined;
}

/**
 * Opens a session at the path `start`. Registries must know the algorithm of the digest beforehand if it is not SHA-256,
 * as they hash while they receive.
 *
 * @returns The session, or `undefined` if the response has no location; and the URL of the response.
 * @throws {RegistryError} If the registry opens no session; its code follows from the status.
 */
export async function openUpload(
  send: SendUpload,
  start: string,
  algorithm: DigestAlgorithm = "sha256",
): Promise<{ upload: Upload | undefined; url: string }> {
  const target = algorithm === "sha256" ? start : `${start}?digest-algorithm=${algorithm}`;
  const answer = await send({ method: "POST", target, headers: { "content-length": "0" } });
  if (answer.response.status !== 202) throw await readError("POST", answer);
  await answer.response.body?.cancel();
  return { upload: findUpload(answer), url: answer.url };
}

/** An upload session (distribution-spec, "Pushing blobs"). Every response may move it to a new location. */
export class UploadSession {
  readonly #send: SendUpload;
  #location: string;
  /** Minimum length of every chunk but the last, in bytes; `undefined` if the registry announces none. */
  readonly chunkMinLength: number | undefined;
  /** Maximum length of a request, in bytes; `undefined` if the registry announces none. */
  readonly chunkMaxLength: number | undefined;
  /** The registry no longer knows the session. */
  #isGone = false;

  /** Continues a session that is already open. */
  constructor(send: SendUpload, upload: Upload) {
    this.#send = send;
    this.#location = upload.location;
    this.chunkMinLength = upload.chunkMinLength;
    this.chunkMaxLength = upload.chunkMaxLength;
  }

  /**
   * Opens a session; see {@linkcode openUpload}.
   *
   * @throws {RegistryError} If the registry does not open one; its code follows from the status.
   * @throws {ManifestsError} With code `REGISTRY_ERROR` if the response has no location.
   */
  static async open(send: SendUpload, start: string, algorithm?: DigestAlgorithm): Promise<UploadSession> {
    const { upload, url } = await openUpload(send, start, algorithm);
    if (upload) return new UploadSession(send, upload);
    throw new ManifestsError(
      "REGISTRY_ERROR",
      `Cannot upload to ${redactUrl(url)}: the registry sent no location for the upload`,
    );
  }

  /** URL of the session without secrets, for messages. */
  get url(): string {
    return redactUrl(this.#location);
  }

  /**
   * Sends bytes of the blob.
   *
   * @param options `start`: offset of the first byte, for chunks; default: none is sent. `size`, `reopen`: see
   * {@linkcode HttpRequest}.
   * @returns The status, and the number of bytes that the registry reports to have; `undefined` if it reports none.
   * @throws {RegistryError} If the registry rejects the bytes; its code follows from the status.
   */
  async append(
    body: NonNullable<HttpRequest["body"]>,
    { start, ...call }: { start?: number } & Pick<HttpRequest, "signal" | "reopen" | "size"> = {},
  ): Promise<{ status: number; received: number | undefined }> {
    const chunk = body instanceof ReadableStream || start === undefined ? {} : {
      headers: { ...OCTETS, "content-range": `${start}-${start + body.length - 1}` },
      headersTimeout: COMMIT_TIMEOUT + body.length / SLOWEST,
    };
    const answer = await this.#send({
      method: "PATCH",
      target: this.#location,
      headers: OCTETS,
      body,
      ...call,
      ...chunk,
    });
    const { response } = answer;
    // The specification requires 202; registries also answer 200, 201 and 204.
    if (response.status < 200 || response.status > 299) throw await readError("PATCH", answer);
    await response.body?.cancel();
    this.#location = findLocation(answer) ?? this.#location;
    return { status: response.status, received: readReceived(response) };
  }

  /** Returns the number of bytes that the registry has; `undefined` if it lost the session, or does not report the number. */
  async findOffset(): Promise<number | undefined> {
    const answer = await this.#send({ method: "GET", target: this.#location });
    const { response } = answer;
    // Without a report of its state, the session cannot be resumed.
    if (response.status !== 204 && response.status !== 202 && response.status !== 200) {
      const error = await readError("GET", answer);
      if (isManifestsError(error, "UNAUTHORIZED") || isManifestsError(error, "DENIED")) throw error;
      this.#isGone = response.status === 404;
      return undefined;
    }
    await response.body?.cancel();
    this.#location = findLocation(answer) ?? this.#location;
    // An empty session reports the same range (`0-0`) as one with a single byte, which is never sent alone.
    const received = readReceived(response);
    return received === 1 ? 0 : received;
  }

  /**
   * Ends the session: the bytes that were sent, followed by `body`, become a blob.
   *
   * @throws {RegistryError} If the registry rejects the blob; its code follows from the status.
   * @throws {ManifestsError} With code `DIGEST_MISMATCH` if it stored another blob.
   */
  async close(digest: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
    const target = `${this.#location}${this.#location.includes("?") ? "&" : "?"}digest=${encodeURIComponent(digest)}`;
    // Sent once: if the response is lost, the session has ended, and another request could only fail.
    const answer = await this.#send({
      method: "PUT",
      target,
      headers: OCTETS,
      body,
      maxRetries: 0,
      headersTimeout: COMMIT_TIMEOUT,
    });
    if (![200, 201, 204].includes(answer.response.status)) throw await readError("PUT", answer);
    await answer.response.body?.cancel();
    const stored = answer.response.headers.get("docker-content-digest") ?? digest;
    if (stored !== digest) {
      throw new ManifestsError(
        "DIGEST_MISMATCH",
        `Cannot trust the upload to ${this.url}: the registry stored ${stored} instead of ${digest}`,
      );
    }
  }

  /**
   * Cancels the session. Errors are ignored: registries forget abandoned sessions by themselves, later.
   *
   * @param send Sends the request if those of the session were aborted. Default: like every request of the session.
   */
  async cancel(send: SendUpload = this.#send): Promise<void> {
    if (this.#isGone) return;
    try {
      const signal = AbortSignal.timeout(CANCEL_TIMEOUT);
      const { response } = await send({ method: "DELETE", target: this.#location, signal, maxRetries: 0 });
      await response.body?.cancel();
    } catch {
      // The caller reports the failure because of which it cancels the session.
    }
  }
}

/** Reads the `Range` header: `0-9` as specified, or `bytes=0-9` as some registries send it. */
function readReceived(response: Response): number | undefined {
  const match = /^(?:bytes[= ])?0-(\d{1,15})$/.exec(response.headers.get("range")?.trim() ?? "");
  return match ? Number(match[1]) + 1 : undefined;
}
