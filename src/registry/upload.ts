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

/** Blobs up to this size are sent in one request from memory; larger ones are streamed. */
const MAX_BUFFERED = 1024 * 1024;
/** A registry that wants larger ones gets the whole in one request: it is its own last chunk. */
const MAX_CHUNK_SIZE = 128 * 1024 * 1024;
/** How often a blob is sent from its start in another session. */
const MAX_RESTARTS = 4;

/** A blob that is about to be uploaded. */
export interface OutgoingBlob {
  /** Its size in bytes, or `UNKNOWN_SIZE`. */
  readonly size: number;
  /** Algorithm of its digest, where that is known beforehand; default: `sha256`. */
  readonly algorithm?: DigestAlgorithm | undefined;
  /** Its digest. Asked for when everything has been sent: of what is compressed on the way, only its end tells. */
  digest(): Digest;
}

/** What {@linkcode uploadBlob} needs. */
export interface UploadOptions {
  /** Sends an authenticated request. */
  readonly send: SendUpload;
  /** Sends requests that what ends the upload does not end. */
  readonly sendLast: SendUpload;
  /** Waits before another attempt. */
  readonly pause: (attempt: number, error: unknown) => Promise<void>;
  /** What earlier uploads to the registry have found out; what this one finds out is noted. */
  readonly limits: UploadLimits;
  /** Whether the repository has the blob. */
  readonly isThere: () => Promise<boolean>;
  /** Path at which sessions are opened. */
  readonly start: string;
  /** A session that is open already. */
  readonly upload?: Upload | undefined;
  /** The blob. */
  readonly blob: OutgoingBlob;
  /** Its bytes, which fail where they are wrong. */
  readonly stream: ByteStream;
  /** Its bytes from a position on, once more. */
  readonly reopen?: ((offset: number) => Promise<ByteStream>) | undefined;
  /** Length of chunks in bytes; default: one request for all, unless the registry speaks of chunks, or in a browser. */
  readonly chunkSize?: number | undefined;
  /** How long a streamed upload may stand still, in milliseconds. */
  readonly stallTimeout?: number | undefined;
}

/**
 * Uploads a blob (distribution-spec, "Pushing blobs"): a session; then one `PUT` for a small blob, or a streamed
 * `PATCH`, as all registries take it, or chunks, and a closing `PUT`. A session that fails is cancelled. Where another
 * way may succeed, the blob is sent once more in a new session.
 *
 * @throws {ManifestsError} With `isTransient` where another call may succeed because `limits` knows more now.
 */
export async function uploadBlob(options: UploadOptions): Promise<void> {
  await new BlobUpload(options).run();
}

class BlobUpload {
  readonly #options: UploadOptions;
  #session: UploadSession | undefined;
  #stream: ByteStream;
  /** The bytes from a position on, once more. */
  #reopen: UploadOptions["reopen"];
  /** What was found out about this upload: that chunks may help, or do not, and that the session's reports mislead. */
  #triesChunks = false;
  #refusesChunks = false;
  #ignoresRanges = false;
  /** How the bytes were sent last. */
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

  /** Read before the session is opened: it then cannot be left behind by a source that fails. */
  async #sendSmall(): Promise<void> {
    const bytes = (await readStream(this.#stream, MAX_BUFFERED))!;
    this.#reopen = (offset) => Promise.resolve(toStream(bytes.subarray(offset)));
    this.#stream = toStream(bytes);
    const session = await this.#opened();
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
    // Some versions of Artifactory take no blob with the closing request.
    const another = await this.#reopened();
    await another.append(bytes);
    await this.#close(another, new Uint8Array());
  }

  async #sendLarge(): Promise<void> {
    for (let restarts = 0;; restarts++) {
      const session = await this.#opened();
      try {
        await this.#send(session);
        return await this.#close(this.#session!, new Uint8Array());
      } catch (error) {
        if (restarts === MAX_RESTARTS || !this.#findsAnotherWay(error)) throw error;
        if (this.#reopen === undefined) throw passing(error);
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
    await this.#sendWhole(await this.#reopened());
  }

  async #sendWhole(session: UploadSession): Promise<void> {
    const { pause, stallTimeout } = this.#options;
    const own = { session, stream: this.#stream, reopen: this.#reopen, ignoresRanges: this.#ignoresRanges };
    this.#resumed = await sendWhole({ ...own, pause, stallTimeout });
  }

  /** The most that a request may carry, in bytes. */
  #maxLength(session: UploadSession): number {
    return Math.min(this.#options.limits.maxLength ?? Infinity, session.chunkMaxLength ?? Infinity);
  }

  /** Length of chunks in bytes; `undefined`: everything goes in one request. */
  #chunkSizeFor(session: UploadSession): number | undefined {
    const { limits, blob: { size } } = this.#options;
    const { chunkMinLength = 0 } = session;
    const refusesChunks = this.#refusesChunks || limits.refusesChunks;
    const prefersChunks = this.#triesChunks || session.chunkMinLength !== undefined || isInBrowser();
    const wanted = refusesChunks ? undefined : this.#options.chunkSize ?? (prefersChunks ? CHUNK_SIZE : undefined);
    const most = this.#maxLength(session);
    const fits = limits.maxLength === undefined && size !== UNKNOWN_SIZE && size <= most;
    if (most !== Infinity && !(fits && wanted === undefined)) {
      return Math.min(Math.max(wanted ?? CHUNK_SIZE, chunkMinLength), most);
    }
    const length = Math.max(wanted ?? 0, chunkMinLength);
    return wanted !== undefined && length <= MAX_CHUNK_SIZE ? length : undefined;
  }

  /** Whether the blob may arrive if it is sent in another way or session. Notes what was found out. */
  #findsAnotherWay(error: unknown): boolean {
    const { limits } = this.#options;
    const contradicts = lacksBytes(error) && !isLost(error);
    if (!this.#sentChunks && needsShorter(error)) {
      limits.sendChunks();
      return true;
    }
    if (this.#sentChunks && limits.maxLength === undefined) {
      // Whoever loses a session, or cannot put chunks together, may still take the whole.
      const refuses = refusesMethod(error) || lacksBytes(error) || (isResumable(error) && !this.#triesChunks);
      if (refuses) {
        // A 404 may also be a session that is lost.
        limits.refusesChunks ||= refusesMethod(error) && !isManifestsError(error, "NOT_FOUND");
        this.#ignoresRanges ||= contradicts;
        return this.#refusesChunks = true;
      }
    }
    if (isLost(error) || (this.#ignoresRanges && isResumable(error))) return true;
    if (!this.#sentChunks && isTransientError(error) && !this.#refusesChunks && !limits.refusesChunks) {
      // A proxy that takes less in one request may break the connection rather than say so.
      return !this.#triesChunks && (this.#triesChunks = this.#reopen !== undefined);
    }
    const isOdd = error instanceof RegistryError && this.#resumed && (error.status === 400 || isTransientError(error));
    if (!contradicts && !isOdd) return false;
    return !this.#ignoresRanges && (this.#ignoresRanges = true);
  }

  async #opened(): Promise<UploadSession> {
    return this.#session ??= await this.#open();
  }

  /** Some registries must know beforehand how they will have to hash. */
  async #open(): Promise<UploadSession> {
    const { send, start, blob: { algorithm = "sha256" } } = this.#options;
    return await UploadSession.open(send, algorithm === "sha256" ? start : `${start}?digest-algorithm=${algorithm}`);
  }

  async #reopened(): Promise<UploadSession> {
    await this.#session?.cancel(this.#options.sendLast);
    this.#session = undefined;
    return await this.#opened();
  }

  /** Gives up the session, and gets the bytes once more. */
  async #startOver(): Promise<void> {
    if (!this.#stream.locked) await this.#stream.cancel().catch(() => {});
    await this.#session?.cancel(this.#options.sendLast);
    this.#session = undefined;
    this.#stream = await this.#reopen!(0);
  }

  async #close(session: UploadSession, body: Uint8Array<ArrayBuffer>): Promise<void> {
    const { blob, isThere } = this.#options;
    try {
      await session.close(blob.digest(), body);
    } catch (error) {
      const lost = isManifestsError(error, "NETWORK") || isManifestsError(error, "NOT_FOUND");
      if (!lost || !await isThere().catch(() => false)) throw error;
    }
  }
}

/** The same error, of a call that may succeed if it is made again. */
function passing(error: unknown): unknown {
  if (!isManifestsError(error) || isTransientError(error)) return error;
  return new ManifestsError(error.code, error.message, { cause: error, isTransient: true });
}
