import { isManifestsError, ManifestsError } from "../spec/room.ts";
import { readError } from "./errors.ts";
import type { HttpRequest, HttpResponse } from "./http_types.ts";
import { findLocation } from "./location.ts";
import { redactUrl } from "./redact.ts";

/** How long the cancelling of a session may take, in milliseconds. */
const CANCEL_TIMEOUT = 5_000;
/** How long a registry may take to put a blob together, in milliseconds. */
const COMMIT_TIMEOUT = 300_000;
/** Slowest line on which a chunk still arrives in time, in bytes per millisecond. */
const SLOWEST = 16;
const OCTETS = { "content-type": "application/octet-stream" };

/** An upload session that a registry has opened. */
export interface Upload {
  /** Where it goes on; absolute. */
  readonly location: string;
  /** How many bytes every chunk but the last must have; `undefined` where the registry does not say. */
  readonly chunkMinLength?: number | undefined;
  /** How many bytes a request may carry; `undefined` where the registry does not say. */
  readonly chunkMaxLength?: number | undefined;
}

/** Sends an authenticated request of an upload. */
export type SendUpload = (request: Omit<HttpRequest, "url"> & { target: string }) => Promise<HttpResponse>;

/** The session that an answer has opened; `undefined` where it has not. */
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

/** An upload session (distribution-spec, "Pushing blobs"). It is always at the newest location that it was told. */
export class UploadSession {
  readonly #send: SendUpload;
  #location: string;
  /** How many bytes every chunk but the last must have, where the registry says so. */
  readonly chunkMinLength: number | undefined;
  /** How many bytes a request may carry, where the registry says so. */
  readonly chunkMaxLength: number | undefined;
  /** Whether the registry no longer knows the session. */
  #isGone = false;

  /** Goes on with a session. */
  constructor(send: SendUpload, upload: Upload) {
    this.#send = send;
    this.#location = upload.location;
    this.chunkMinLength = upload.chunkMinLength;
    this.chunkMaxLength = upload.chunkMaxLength;
  }

  /** Opens a session. `start` is the path at which that is done. */
  static async open(send: SendUpload, start: string): Promise<UploadSession> {
    const answer = await send({ method: "POST", target: start, headers: { "content-length": "0" } });
    if (answer.response.status !== 202) throw await readError("POST", answer);
    await answer.response.body?.cancel();
    const upload = findUpload(answer);
    if (upload) return new UploadSession(send, upload);
    throw new ManifestsError(
      "REGISTRY_ERROR",
      `Cannot upload to ${redactUrl(answer.url)} as the registry gave no location for it`,
    );
  }

  /** Where the session is, for messages. */
  get url(): string {
    return redactUrl(this.#location);
  }

  /**
   * Adds bytes.
   *
   * @param options `start`: position of the first of them, for chunks; default: it is not told. `reopen`: see
   * {@linkcode HttpRequest.reopen}.
   * @returns The status, and how many bytes the registry says that it has; `undefined` where it does not.
   */
  async append(
    body: NonNullable<HttpRequest["body"]>,
    { start, ...call }: { start?: number } & Pick<HttpRequest, "signal" | "reopen"> = {},
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
    // Registries say 202, but also 200, 201 and 204.
    if (response.status < 200 || response.status > 299) throw await readError("PATCH", answer);
    await response.body?.cancel();
    this.#location = findLocation(answer) ?? this.#location;
    return { status: response.status, received: receivedBytes(response) };
  }

  /** How many bytes the registry has; `undefined` where the session is gone, or it does not say. */
  async findOffset(): Promise<number | undefined> {
    const answer = await this.#send({ method: "GET", target: this.#location });
    const { response } = answer;
    // A session that cannot be asked cannot be trusted.
    if (response.status !== 204 && response.status !== 202 && response.status !== 200) {
      const error = await readError("GET", answer);
      if (isManifestsError(error, "UNAUTHORIZED") || isManifestsError(error, "DENIED")) throw error;
      this.#isGone = response.status === 404;
      return undefined;
    }
    await response.body?.cancel();
    this.#location = findLocation(answer) ?? this.#location;
    // A fresh session reports the same as one with a single byte, which nobody sends.
    const received = receivedBytes(response);
    return received === 1 ? 0 : received;
  }

  /** Ends the session: what was sent, and `body`, become a blob. */
  async close(digest: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
    const target = `${this.#location}${this.#location.includes("?") ? "&" : "?"}digest=${encodeURIComponent(digest)}`;
    // Sent once: where the answer is lost, the session is over, and asking again could only fail.
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
        `Cannot trust the upload to ${this.url} as the registry stored ${stored} instead of ${digest}`,
      );
    }
  }

  /** Gives the session up, through `send` where the session's own requests were ended. Best effort: the registry forgets abandoned ones by itself, later. */
  async cancel(send: SendUpload = this.#send): Promise<void> {
    if (this.#isGone) return;
    try {
      const signal = AbortSignal.timeout(CANCEL_TIMEOUT);
      const { response } = await send({ method: "DELETE", target: this.#location, signal, maxRetries: 0 });
      await response.body?.cancel();
    } catch {
      // The failure that led here is the one to report.
    }
  }
}

/** `0-9` of the specification, or `bytes=0-9` as some write it. */
function receivedBytes(response: Response): number | undefined {
  const match = /^(?:bytes[= ])?0-(\d{1,15})$/.exec(response.headers.get("range")?.trim() ?? "");
  return match ? Number(match[1]) + 1 : undefined;
}
