import { findSourceBlob, type ImageSource, type InstancePlace } from "../image/room.ts";
import { canDecompress, decompressStream, peekCompression } from "../internal/compression/room.ts";
import { type ByteStream, readChunks, Semaphore } from "../internal/room.ts";
import {
  createDigester,
  type Descriptor,
  type Digest,
  isForeignLayer,
  isManifestsError,
  UNKNOWN_SIZE,
  verifyBlob,
} from "../spec/room.ts";

/** Maximum number of blobs that are checked at the same time. */
const MAX_PARALLEL = 8;

/** The result of checking a blob. */
export interface BlobFinding {
  /** The problem, if there is one. */
  readonly problem?: string;
  /** The reason why it was not checked, if it was not. */
  readonly unchecked?: string;
  /** Digest of its content without compression, if that was computed. */
  readonly diffId?: Digest;
}

/** Checks blobs, each of them once. */
export class BlobChecker {
  readonly #source: ImageSource;
  readonly #full: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #slots = new Semaphore(MAX_PARALLEL);
  readonly #findings = new Map<string, Promise<BlobFinding>>();

  /** `full` reads and verifies every byte, instead of only asking for the blob. */
  constructor(
    source: ImageSource,
    { full = false, signal }: { full?: boolean | undefined; signal?: AbortSignal | undefined },
  ) {
    this.#source = source;
    this.#full = full;
    this.#signal = signal;
  }

  /** Checks a blob. `isUnpacked` asks for the digest of its content without compression, if it is read at all. */
  check(blob: Descriptor, place: InstancePlace, isUnpacked: boolean): Promise<BlobFinding> {
    const key = JSON.stringify([blob.digest, blob.size, this.#full && isUnpacked]);
    const finding = this.#findings.get(key) ??
      this.#slots.run(() => this.#check(blob, place, isUnpacked), this.#signal);
    this.#findings.set(key, finding);
    return finding;
  }

  async #check(blob: Descriptor, place: InstancePlace, isUnpacked: boolean): Promise<BlobFinding> {
    try {
      return this.#full ? await this.#read(blob, place, isUnpacked) : await this.#find(blob, place);
    } catch (error) {
      this.#signal?.throwIfAborted();
      const message = error instanceof Error ? error.message : String(error);
      // Wrong content is a problem wherever it was read from.
      const isWrong = isManifestsError(error, "DIGEST_MISMATCH") || isManifestsError(error, "SIZE_MISMATCH");
      return isForeignLayer(blob) && !isWrong ? { unchecked: message } : { problem: message };
    }
  }

  async #find(blob: Descriptor, place: InstancePlace): Promise<BlobFinding> {
    const size = await findSourceBlob(this.#source, blob, { ...place, signal: this.#signal });
    if (size === undefined) {
      if (!blob.urls?.length) return { problem: "it is not there" };
      // Only a request for the blob itself also tries its URLs; nothing of the answer is read.
      await (await this.#source.getBlob(blob, { ...place, signal: this.#signal })).cancel();
      return {};
    }
    const isRight = size === blob.size || size === UNKNOWN_SIZE || blob.size === UNKNOWN_SIZE;
    return isRight ? {} : { problem: `it has ${size} bytes, but its manifest says ${blob.size}` };
  }

  async #read(blob: Descriptor, place: InstancePlace, isUnpacked: boolean): Promise<BlobFinding> {
    // Its digest and its size are verified at its end.
    const verified = verifyBlob(await this.#source.getBlob(blob, { ...place, signal: this.#signal }), blob);
    if (!isUnpacked || blob.mediaType.endsWith("+encrypted")) {
      for await (const _ of readChunks(verified, { reuses: true }));
      return {};
    }
    const { compression, stream } = await peekCompression(verified);
    if (compression && !canDecompress(compression)) {
      for await (const _ of readChunks(stream, { reuses: true }));
      return {};
    }
    return { diffId: await digestContent(compression ? decompressStream(stream, compression) : stream) };
  }
}

async function digestContent(content: ByteStream): Promise<Digest> {
  const digester = createDigester();
  for await (const chunk of readChunks(content, { reuses: true })) digester.update(chunk);
  return digester.digest();
}
