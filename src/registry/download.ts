import { type ByteStream, joinSignals, toStream } from "../internal/room.ts";
import { ManifestsError, UNKNOWN_SIZE } from "../spec/room.ts";
import { BrokenBodyError, getBody } from "./body.ts";
import { findContentRange } from "./content_range.ts";
import { decodeBody, isEncoded } from "./content_encoding.ts";
import { readError } from "./errors.ts";
import type { HttpResponse } from "./http_types.ts";
import { isTransientError } from "./failures.ts";

/** Progress after which the attempts are counted from the start again, in bytes. */
const PROGRESS = 1024 * 1024;
/** Maximum consecutive resumptions without progress. */
const MAX_RESUMPTIONS = 3;

/** Options for {@linkcode openDownload}. */
export interface DownloadOptions {
  /** Requests the blob, with this `Range` header if given. Always from the registry: locations it redirects to expire. */
  readonly get: (range: string | undefined, signal: AbortSignal) => Promise<HttpResponse>;
  /** Waits before the next attempt. */
  readonly pause: (attempt: number, signal: AbortSignal) => Promise<void>;
  /** The blob with its repository, for messages. */
  readonly name: string;
  /** Size of the blob in bytes, or `UNKNOWN_SIZE`. */
  readonly size: number;
  /** Aborts the download, including its body. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a blob as a stream. If the connection is interrupted, stalls or ends early, the rest is requested with a `Range`
 * header; if the registry then sends the whole blob again, the bytes that were already read are skipped.
 *
 * @throws {RegistryError} If the registry rejects the request; its code follows from the status.
 * @throws {ManifestsError} With code `SIZE_MISMATCH` if the announced size is not `size`. The stream fails with this
 * code, too, if the actual size differs, and with `NETWORK` if it makes no progress.
 */
export async function openDownload(options: DownloadOptions): Promise<ByteStream> {
  return await new Download(options).open();
}

class Download {
  readonly #options: DownloadOptions;
  readonly #cancelled = new AbortController();
  #size: number;
  /** Number of bytes that were passed on. */
  #offset = 0;
  /** Number of bytes that arrive again and are skipped. */
  #skip = 0;
  /** Attempts since the last progress, and the offset of that progress. */
  #attempts = 0;
  #mark = 0;
  /** End of the part that is being read: some proxies send less than was requested. */
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

  /** Requests the blob. The body gets the caller's signal only: a cancelled stream cancels its body by itself. */
  async #get(range?: string): Promise<HttpResponse> {
    const { get, signal } = this.#options;
    using joined = joinSignals(signal, this.#cancelled.signal);
    return { ...await get(range, joined.signal), signal };
  }

  async #pause(attempt: number): Promise<void> {
    using joined = joinSignals(this.#options.signal, this.#cancelled.signal);
    await this.#options.pause(attempt, joined.signal);
  }

  /** Fails before the body is read if the announced length cannot be right. */
  async #assertLength({ response }: HttpResponse, start: number): Promise<void> {
    const header = response.headers.get("content-length");
    // `fetch` joins duplicate headers with commas.
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

  /** Returns the rest of the blob, or `undefined` at its end. */
  async #resume(failure: unknown): Promise<ByteStream | undefined> {
    if (this.#cancelled.signal.aborted) return undefined;
    if (failure === undefined && (this.#size === UNKNOWN_SIZE || this.#offset === this.#size)) return undefined;
    if (failure !== undefined && !(failure instanceof BrokenBodyError)) throw failure;
    if (this.#offset === this.#size) return toStream(new Uint8Array());
    if (this.#offset - this.#mark >= PROGRESS || this.#offset === this.#partEnd) this.#attempts = 0;
    this.#mark = this.#offset;
    for (;;) {
      if (++this.#attempts > MAX_RESUMPTIONS) this.#fail(failure);
      // The first resumption needs no pause: an interrupted connection seldom means an overloaded server.
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

  /** Returns the response if it has the rest of the blob or the whole; `undefined` if it has another part. */
  async #findRest(answer: HttpResponse): Promise<HttpResponse | undefined> {
    const { response } = answer;
    if (response.status === 200) {
      await this.#assertLength(answer, 0);
      this.#skip = this.#offset;
      return answer;
    }
    const range = response.status === 206 ? findContentRange(response.headers.get("content-range")) : undefined;
    const isRest = range?.first === this.#offset && !response.headers.has("content-encoding") &&
      (range.size === undefined || this.#size === UNKNOWN_SIZE || range.size === this.#size);
    if (isRest) {
      if (range.size !== undefined) this.#size = range.size;
      this.#skip = 0;
      this.#partEnd = range.last + 1;
      return answer;
    }
    if (response.status !== 206 && response.status !== 416) throw await readError("GET", answer);
    // Not read: docker-registry announces five bytes with a 416 and sends none.
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
    const { name } = this.#options;
    throw new ManifestsError(
      "SIZE_MISMATCH",
      `Cannot read blob ${name}: its size differs: expected ${this.#size} bytes, got ${actual}`,
    );
  }

  #fail(cause: unknown): never {
    const { name } = this.#options;
    const got = `${this.#offset} of ${this.#size === UNKNOWN_SIZE ? "an unknown number of" : this.#size} bytes`;
    const reason = cause instanceof Error ? `: ${cause.message}` : "";
    throw new ManifestsError("NETWORK", `Cannot read blob ${name}: only ${got} arrived${reason}`, { cause });
  }
}
