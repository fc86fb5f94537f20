import { type ByteStream, joinSignals } from "../internal/room.ts";
import { type Digest, ManifestsError, UNKNOWN_SIZE } from "../spec/room.ts";
import { BrokenBodyError, getBody } from "./body.ts";
import { findContentRange } from "./content_range.ts";
import { decodeBody, isEncoded } from "./content_encoding.ts";
import { readError } from "./errors.ts";
import type { HttpResponse } from "./http_types.ts";
import { isTransientError } from "./failures.ts";

/** So much must have come since a connection broke for the next break to count as the first, in bytes. */
const PROGRESS = 1024 * 1024;
/** How often a download that does not get on is resumed. */
const MAX_RESUMPTIONS = 3;

/** What {@linkcode openDownload} needs. */
export interface DownloadOptions {
  /** Asks for the blob, with a `Range` header or without, at the registry itself: locations it redirects to expire. */
  readonly get: (range: string | undefined, signal: AbortSignal) => Promise<HttpResponse>;
  /** Waits before another attempt. */
  readonly pause: (attempt: number, signal: AbortSignal) => Promise<void>;
  /** Digest of the blob. */
  readonly digest: Digest;
  /** Its size in bytes, or `UNKNOWN_SIZE`. */
  readonly size: number;
  /** Ends the download. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a blob as a stream. Where the connection breaks, stands still or ends early, it asks for the rest by `Range`;
 * where the registry sends all of it again, what came before is skipped.
 *
 * @throws {ManifestsError} With code `NETWORK` where it does not get on, `SIZE_MISMATCH` where the size is not `size`.
 */
export async function openDownload(options: DownloadOptions): Promise<ByteStream> {
  return await new Download(options).open();
}

class Download {
  readonly #options: DownloadOptions;
  readonly #cancelled = new AbortController();
  #size: number;
  /** Bytes that were passed on. */
  #offset = 0;
  /** Bytes that come once more, and are left out. */
  #skip = 0;
  /** Attempts since the download last got on, and where that was. */
  #attempts = 0;
  #mark = 0;
  /** Where the part that is being read ends; some proxies send less than was asked for. */
  #partEnd: number | undefined;

  constructor(options: DownloadOptions) {
    this.#options = options;
    this.#size = options.size;
  }

  async open(): Promise<ByteStream> {
    const answer = await this.#get();
    const { response } = answer;
    if (response.status !== 200) throw await readError("GET", answer);
    if (isEncoded(response, this.#size)) return decodeBody(answer);
    await this.#assertLength(answer, 0);
    return getBody(answer, {
      chunk: (bytes) => this.#pass(bytes),
      resume: (failure) => this.#resume(failure?.error),
      cancel: (reason) => this.#cancelled.abort(reason),
    });
  }

  /** Asks for the blob. What ends the body is the signal alone: a cancel reaches it by itself. */
  async #get(range?: string): Promise<HttpResponse> {
    const { get, signal } = this.#options;
    using joined = joinSignals(signal, this.#cancelled.signal);
    return { ...await get(range, joined.signal), signal };
  }

  async #pause(attempt: number): Promise<void> {
    using joined = joinSignals(this.#options.signal, this.#cancelled.signal);
    await this.#options.pause(attempt, joined.signal);
  }

  /** A length that cannot be right fails before anything is read. */
  async #assertLength({ response }: HttpResponse, start: number): Promise<void> {
    const header = response.headers.get("content-length");
    // Equal duplicates arrive joined.
    const length = header === null ? NaN : Number(header.split(",")[0]);
    if (!Number.isSafeInteger(length)) return;
    if (this.#size === UNKNOWN_SIZE) this.#size = start + length;
    if (start + length !== this.#size) {
      await response.body?.cancel();
      this.#failSize(`${start + length}`);
    }
  }

  #pass(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const skipped = Math.min(this.#skip, bytes.length);
    this.#skip -= skipped;
    const fresh = skipped > 0 ? bytes.subarray(skipped) : bytes;
    this.#offset += fresh.length;
    if (this.#size !== UNKNOWN_SIZE && this.#offset > this.#size) this.#failSize(`at least ${this.#offset}`);
    return fresh;
  }

  /** The rest of the blob, or `undefined` at its end. */
  async #resume(failure: unknown): Promise<ByteStream | undefined> {
    if (this.#cancelled.signal.aborted) return undefined;
    if (failure === undefined && (this.#size === UNKNOWN_SIZE || this.#offset === this.#size)) return undefined;
    if (failure !== undefined && !(failure instanceof BrokenBodyError)) throw failure;
    if (this.#offset === this.#size) return emptyStream();
    if (this.#offset - this.#mark >= PROGRESS || this.#offset === this.#partEnd) this.#attempts = 0;
    this.#mark = this.#offset;
    for (;;) {
      if (++this.#attempts > MAX_RESUMPTIONS) this.#fail(failure);
      // The first time it is asked at once: most connections break for reasons of their own.
      if (this.#attempts > 1) await this.#pause(this.#attempts - 1);
      try {
        const answer = await this.#get(`bytes=${this.#offset}-`);
        const rest = await this.#findRest(answer) ?? await this.#fromStart();
        return getBody(rest);
      } catch (error) {
        if (!isTransientError(error)) throw error;
        failure = error;
      }
    }
  }

  /** The answer where it is the rest of the blob or all of it; `undefined` where it is some other part. */
  async #findRest(answer: HttpResponse): Promise<HttpResponse | undefined> {
    const { response } = answer;
    if (response.status === 200) {
      await this.#assertLength(answer, 0);
      this.#skip = this.#offset;
      return answer;
    }
    const range = response.status === 206 ? findContentRange(response.headers.get("content-range")) : undefined;
    const right = range?.first === this.#offset && !response.headers.has("content-encoding") &&
      (range.size === undefined || this.#size === UNKNOWN_SIZE || range.size === this.#size);
    if (right) {
      if (range.size !== undefined) this.#size = range.size;
      this.#skip = 0;
      this.#partEnd = range.last + 1;
      return answer;
    }
    if (response.status !== 206 && response.status !== 416) throw await readError("GET", answer);
    // Never read: docker-registry announces five bytes with a 416 and sends none.
    await response.body?.cancel();
    return undefined;
  }

  async #fromStart(): Promise<HttpResponse> {
    const answer = await this.#get();
    if (answer.response.status !== 200) throw await readError("GET", answer);
    await this.#assertLength(answer, 0);
    this.#skip = this.#offset;
    return answer;
  }

  #failSize(actual: string): never {
    const { digest } = this.#options;
    throw new ManifestsError(
      "SIZE_MISMATCH",
      `Cannot read blob ${digest} as its size differs: expected ${this.#size} bytes, got ${actual}`,
    );
  }

  #fail(cause: unknown): never {
    const { digest } = this.#options;
    const got = `${this.#offset} of ${this.#size === UNKNOWN_SIZE ? "an unknown number of" : this.#size} bytes`;
    const reason = cause instanceof Error ? `: ${cause.message}` : "";
    throw new ManifestsError("NETWORK", `Cannot read blob ${digest} as only ${got} came${reason}`, { cause });
  }
}

function emptyStream(): ByteStream {
  return new ReadableStream({ start: (controller) => controller.close() });
}
