import { type ByteStream, readStream, toStream } from "../internal/room.ts";
import { type Digest, type DigestAlgorithm, isManifestsError, ManifestsError, UNKNOWN_SIZE } from "../spec/room.ts";
import { isInBrowser } from "./browser.ts";
import { ChunkReader } from "./chunk_reader.ts";
import { RegistryError } from "./errors.ts";
import {
  isLost,
  isResumable,
  isTooLong,
  isTransientError,
  lacksBytes,
  needsShorter,
  refusesMethod,
} from "./failures.ts";
import { sendChunks } from "./upload_chunks.ts";
import { CHUNK_SIZE, type UploadLimits } from "./upload_limits.ts";
import { type SendUpload, type Upload, UploadSession } from "./upload_session.ts";
import { sendWhole } from "./upload_whole.ts";

/**
 * Maximum size of blobs that are sent from memory in one request, in bytes; larger blobs are streamed. Most
 * configurations are smaller, and the default of eight parallel transfers then keeps at most 8 MiB.
 */
const MAX_BUFFERED = 1024 * 1024;
/**
 * Maximum length of a chunk, in bytes: each chunk is kept in memory, once per parallel transfer, until it has arrived. If
 * the registry requires larger ones (`OCI-Chunk-Min-Length`), the blob is sent as one (last) chunk.
 */
const MAX_CHUNK_SIZE = 128 * 1024 * 1024;
/**
 * Maximum number of times that a blob is sent again from its start, in a new session: enough to try each other way of sending
 * it (in chunks, as a whole, without the reported ranges) and to survive a lost session.
 */
const MAX_RESTARTS = 4;

/** A blob to be uploaded; see {@linkcode putVerifiedBlob}. */
export interface OutgoingBlob {
  /** Size of the blob in bytes, or `UNKNOWN_SIZE`. */
  readonly size: number;
  /** Algorithm of the digest. Default: `sha256`. */
  readonly algorithm?: DigestAlgorithm | undefined;
  /** Returns the digest. Called after all bytes were sent: that of a blob compressed on the fly is not known before. */
  digest(): Digest;
}

/** Options for {@linkcode uploadBlob}. */
export interface UploadOptions {
  /** Sends an authenticated request of the upload. */
  readonly send: SendUpload;
  /** Sends a request that is not aborted with the upload, to cancel the session. */
  readonly sendLast: SendUpload;
  /** Waits before the next attempt. */
  readonly pause: (attempt: number, error: unknown) => Promise<void>;
  /** Limits of the registry that earlier uploads found out; this upload adds its findings. */
  readonly limits: UploadLimits;
  /** Returns whether the repository has the blob. */
  readonly hasBlob: () => Promise<boolean>;
  /** Path at which a session is opened. */
  readonly start: string;
  /** Session that is already open. Default: open a new one. */
  readonly upload?: Upload | undefined;
  /** Size and digest of the blob. */
  readonly blob: OutgoingBlob;
  /** Bytes of the blob; the stream fails if they are wrong. */
  readonly stream: ByteStream;
  /** Reads the bytes again from an offset on. Default: an interrupted upload fails. */
  readonly reopen?: ((offset: number) => Promise<ByteStream>) | undefined;
  /** Length of chunks in bytes. Default: one request for the blob; 16 MiB if the registry announces a minimum, or in a browser. */
  readonly chunkSize?: number | undefined;
  /** Maximum time without progress of a streamed upload, in milliseconds. Default: 120,000. */
  readonly stallTimeout?: number | undefined;
}

/**
 * Uploads a blob (distribution-spec, "Pushing blobs"): opens a session, and sends a small blob with one `PUT`, a larger one
 * with a streamed `PATCH` or in chunks, and a closing `PUT`. A session that fails is cancelled. If another method may
 * succeed, the blob is sent again in a new session.
 *
 * @throws {RegistryError} If the registry rejects the blob; its code follows from the status.
 * @throws {ManifestsError} With `isTransient` set if another call may succeed because of what `limits` has learned.
 */
export async function uploadBlob(options: UploadOptions): Promise<void> {
  await new BlobUpload(options).run();
}

class BlobUpload {
  readonly #options: UploadOptions;
  #session: UploadSession | undefined;
  #stream: ByteStream;
  /** Reads the bytes again from an offset on. */
  #reopen: UploadOptions["reopen"];
  /** Findings about this upload: chunks may help; chunks do not work; the ranges that the session reports are wrong. */
  #triesChunks = false;
  #refusesChunks = false;
  #ignoresRanges = false;
  /** How the last attempt sent the bytes: in chunks, or resumed after an interruption. */
  #sentChunks = false;
  #resumed = false;

  constructor(options: UploadOptions) {
    this.#options = options;
    this.#stream = options.stream;
    this.#reopen = options.reopen;
    if (options.upload) this.#session = new UploadSession(options.send, options.upload);
  }

  async run(): Promise<void> {
    const { size } = this.#options.blob;
    try {
      if (size !== UNKNOWN_SIZE && size <= MAX_BUFFERED) await this.#sendSmall();
      else await this.#sendLarge();
    } catch (error) {
      if (!this.#stream.locked) await this.#stream.cancel(error).catch(() => {});
      await this.#session?.cancel(this.#options.sendLast);
      throw error;
    }
  }

  /** Sends a small blob. It is read before the session is opened, so that a failing source leaves no session behind. */
  async #sendSmall(): Promise<void> {
    const bytes = (await readStream(this.#stream, MAX_BUFFERED))!;
    this.#reopen = (offset) => Promise.resolve(toStream(bytes.subarray(offset)));
    this.#stream = toStream(bytes);
    const session = await this.#getSession();
    if (bytes.length > this.#maxLength(session)) return await this.#sendLarge();
    try {
      return await this.#close(session, bytes);
    } catch (error) {
      if (bytes.length === 0) throw error;
      if (isTooLong(error) && this.#options.limits.lower(bytes.length, session.chunkMinLength)) {
        await this.#startOver();
        return await this.#sendLarge();
      }
      if (!refusesMethod(error) && !lacksBytes(error)) throw error;
    }
    // Some versions of Artifactory do not accept bytes in the closing request.
    const another = await this.#replaceSession();
    await another.append(bytes);
    await this.#close(another, new Uint8Array());
  }

  async #sendLarge(): Promise<void> {
    for (let restarts = 0;; restarts++) {
      const session = await this.#getSession();
      try {
        await this.#send(session);
        return await this.#close(this.#session!, new Uint8Array());
      } catch (error) {
        if (restarts === MAX_RESTARTS || !this.#canTryDifferently(error)) throw error;
        if (this.#reopen === undefined) throw toTransient(error);
        if (restarts > 0) await this.#options.pause(restarts, error);
        await this.#startOver();
      }
    }
  }

  async #send(session: UploadSession): Promise<void> {
    this.#resumed = false;
    const chunkSize = this.#chunkSizeFor(session);
    this.#sentChunks = chunkSize !== undefined;
    if (chunkSize === undefined) return await this.#sendWhole(session);
    const { pause, limits } = this.#options;
    const reader = new ChunkReader(this.#stream);
    let first: Uint8Array<ArrayBuffer>;
    try {
      const ignoresRanges = this.#ignoresRanges;
      const result = await sendChunks({ session, reader, chunkSize, limits, pause, ignoresRanges });
      if (result.sent) return;
      first = result.first;
    } catch (error) {
      await reader.cancel(error);
      throw error;
    }
    limits.refusesChunks = true;
    this.#sentChunks = false;
    this.#stream = reader.rest(first);
    await this.#sendWhole(await this.#replaceSession());
  }

  async #sendWhole(session: UploadSession): Promise<void> {
    const { pause, stallTimeout, blob } = this.#options;
    const size = blob.size === UNKNOWN_SIZE ? undefined : blob.size;
    const upload = { session, stream: this.#stream, size, reopen: this.#reopen, ignoresRanges: this.#ignoresRanges };
    this.#resumed = await sendWhole({ ...upload, pause, stallTimeout });
  }

  /** Returns the maximum length of a request, in bytes. */
  #maxLength(session: UploadSession): number {
    return Math.min(this.#options.limits.maxLength ?? Infinity, session.chunkMaxLength ?? Infinity);
  }

  /** Returns the length of chunks in bytes; `undefined` if the blob is sent in one request. */
  #chunkSizeFor(session: UploadSession): number | undefined {
    const { limits, blob: { size } } = this.#options;
    const { chunkMinLength = 0 } = session;
    const refusesChunks = this.#refusesChunks || limits.refusesChunks;
    const prefersChunks = this.#triesChunks || session.chunkMinLength !== undefined || isInBrowser();
    const preferred = refusesChunks ? undefined : this.#options.chunkSize ?? (prefersChunks ? CHUNK_SIZE : undefined);
    const maxLength = this.#maxLength(session);
    const fits = limits.maxLength === undefined && size !== UNKNOWN_SIZE && size <= maxLength;
    if (maxLength !== Infinity && !(fits && preferred === undefined)) {
      return Math.min(Math.max(preferred ?? CHUNK_SIZE, chunkMinLength), maxLength);
    }
    const length = Math.max(preferred ?? 0, chunkMinLength);
    return preferred !== undefined && length <= MAX_CHUNK_SIZE ? length : undefined;
  }

  /** Returns whether the blob may arrive with another method or in another session. Records what the error reveals. */
  #canTryDifferently(error: unknown): boolean {
    const { limits } = this.#options;
    const contradicts = lacksBytes(error) && !isLost(error);
    if (!this.#sentChunks && needsShorter(error)) {
      limits.sendChunks();
      return true;
    }
    if (this.#sentChunks && limits.maxLength === undefined) {
      // A registry that loses the session, or cannot assemble chunks, may still accept the whole blob.
      const refuses = refusesMethod(error) || lacksBytes(error) || (isResumable(error) && !this.#triesChunks);
      if (refuses) {
        // A 404 may also mean a lost session, so it does not prove that the registry never accepts chunks.
        limits.refusesChunks ||= refusesMethod(error) && !isManifestsError(error, "NOT_FOUND");
        this.#ignoresRanges ||= contradicts;
        return this.#refusesChunks = true;
      }
    }
    if (isLost(error) || (this.#ignoresRanges && isResumable(error))) return true;
    if (!this.#sentChunks && isTransientError(error) && !this.#refusesChunks && !limits.refusesChunks) {
      // A proxy with a limit for requests may close the connection instead of answering 413.
      return !this.#triesChunks && (this.#triesChunks = this.#reopen !== undefined);
    }
    const isOdd = error instanceof RegistryError && this.#resumed && (error.status === 400 || isTransientError(error));
    if (!contradicts && !isOdd) return false;
    return !this.#ignoresRanges && (this.#ignoresRanges = true);
  }

  async #getSession(): Promise<UploadSession> {
    const { send, start, blob: { algorithm } } = this.#options;
    return this.#session ??= await UploadSession.open(send, start, algorithm);
  }

  async #replaceSession(): Promise<UploadSession> {
    await this.#session?.cancel(this.#options.sendLast);
    this.#session = undefined;
    return await this.#getSession();
  }

  /** Cancels the session and reads the bytes again. */
  async #startOver(): Promise<void> {
    if (!this.#stream.locked) await this.#stream.cancel().catch(() => {});
    await this.#session?.cancel(this.#options.sendLast);
    this.#session = undefined;
    this.#stream = await this.#reopen!(0);
  }

  async #close(session: UploadSession, body: Uint8Array<ArrayBuffer>): Promise<void> {
    const { blob, hasBlob } = this.#options;
    try {
      await session.close(blob.digest(), body);
    } catch (error) {
      const lost = isManifestsError(error, "NETWORK") || isManifestsError(error, "NOT_FOUND");
      if (!lost || !await hasBlob().catch(() => false)) throw error;
    }
  }
}

/** Returns the error, marked as one after which another call may succeed. */
function toTransient(error: unknown): unknown {
  if (!isManifestsError(error) || isTransientError(error)) return error;
  return new ManifestsError(error.code, error.message, { cause: error, isTransient: true });
}
