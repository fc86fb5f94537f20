import { type ByteStream, readStream } from "../internal/room.ts";
import { type Digest, type DigestAlgorithm, isManifestsError, ManifestsError, UNKNOWN_SIZE } from "../spec/room.ts";
import { isInBrowser } from "./browser.ts";
import { ChunkReader } from "./chunk_reader.ts";
import { RegistryError } from "./errors.ts";
import { mayResume, refusesMethod } from "./may_pass.ts";
import { sendChunks } from "./upload_chunks.ts";
import { type SendUpload, type Upload, UploadSession } from "./upload_session.ts";
import { appendStream } from "./upload_stream.ts";

/** Blobs up to this size are sent in one request from memory; larger ones are streamed. */
const MAX_BUFFERED = 1024 * 1024;
/** What is sent at once where the registry speaks of chunks, or bodies cannot be streamed, in bytes. */
const CHUNK_SIZE = 16 * 1024 * 1024;
/** A registry that wants larger ones gets the whole in one request: it is its own last chunk. */
const MAX_CHUNK_SIZE = 128 * 1024 * 1024;
/** How often an upload goes on without having got on. */
const MAX_ATTEMPTS = 4;
/** So much must have arrived for an upload to have got on, in bytes. */
const PROGRESS = 1024 * 1024;

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
  readonly pause: (attempt: number) => Promise<void>;
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
 * `PATCH`, as all registries take it, or chunks, and a closing `PUT`. A session that fails is cancelled.
 */
export async function uploadBlob(options: UploadOptions): Promise<void> {
  await new BlobUpload(options).run();
}

class BlobUpload {
  readonly #options: UploadOptions;
  #session: UploadSession | undefined;
  #stream: ByteStream;

  constructor(options: UploadOptions) {
    this.#options = options;
    this.#stream = options.stream;
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
    const opened = await this.#opened();
    try {
      await this.#close(opened, bytes);
    } catch (error) {
      if (bytes.length === 0 || !refusesMethod(error)) throw error;
      // Some versions of Artifactory take no blob with the closing request.
      const session = await this.#reopened();
      await session.append(bytes);
      await this.#close(session, new Uint8Array());
    }
  }

  async #sendLarge(): Promise<void> {
    const session = await this.#opened();
    const prefersChunks = session.chunkMinLength !== undefined || isInBrowser();
    const wanted = this.#options.chunkSize ?? (prefersChunks ? CHUNK_SIZE : undefined);
    const chunkSize = Math.max(wanted ?? 0, session.chunkMinLength ?? 0);
    if (chunkSize > 0 && chunkSize <= MAX_CHUNK_SIZE) await this.#sendChunked(session, chunkSize);
    else await this.#sendWhole();
    await this.#close(this.#session!, new Uint8Array());
  }

  /** Everything in one request; where it breaks, the rest in another, if the bytes can be had again. */
  async #sendWhole(): Promise<void> {
    const { reopen, pause, stallTimeout } = this.#options;
    let offset = 0;
    for (let attempt = 1;; attempt++) {
      let arrived: number;
      const start = offset;
      try {
        const session = await this.#opened();
        const { sent, received } = await appendStream(session, this.#stream, {
          stallTimeout,
          reopen: reopen && (() => reopen(start)),
        });
        // A registry that says nothing, or only what it says of every session, is believed to have everything.
        if (reopen === undefined || received === undefined || received <= 1 || received >= offset + sent) return;
        if (attempt >= MAX_ATTEMPTS) {
          throw new ManifestsError(
            "REGISTRY_ERROR",
            `Cannot upload to ${session.url} as it has ${received} of ${offset + sent} bytes`,
          );
        }
        arrived = received;
      } catch (error) {
        if (reopen === undefined || attempt >= MAX_ATTEMPTS || !(mayResume(error) || isPartial(error))) throw error;
        if (!this.#stream.locked) await this.#stream.cancel(error).catch(() => {});
        if (attempt > 1) await pause(attempt - 1);
        arrived = await this.#arrived();
      }
      if (arrived - offset >= PROGRESS) attempt = 0;
      offset = arrived;
      this.#stream = await reopen(offset);
    }
  }

  /** How many bytes the session has; 0 of a new one, where it is lost. */
  async #arrived(): Promise<number> {
    const offset = await this.#session?.findOffset();
    if (offset === undefined) this.#session = undefined;
    return offset ?? 0;
  }

  async #sendChunked(session: UploadSession, chunkSize: number): Promise<void> {
    const { reopen, pause } = this.#options;
    const reader = new ChunkReader(this.#stream);
    try {
      const result = await sendChunks({ session, reader, chunkSize, pause });
      if (result.sent) return;
      await this.#reopened();
      this.#stream = reader.rest(result.first);
    } catch (error) {
      await reader.cancel(error);
      // Whoever loses a session, or cannot put chunks together, may still take the whole.
      if (reopen === undefined || !(mayResume(error) || refusesMethod(error) || isPartial(error))) throw error;
      await this.#reopened();
      this.#stream = await reopen(0);
    }
    await this.#sendWhole();
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

/** Whether a session holds less than it should, or ended before everything was sent: the bytes may be sent anew. */
function isPartial(error: unknown): boolean {
  return isManifestsError(error, "REGISTRY_ERROR") && !(error instanceof RegistryError);
}
