import type { BlobIdentity, NewBlob, OpenDestinationOptions, SystemContext } from "../../image/room.ts";
import { FileWriter, writeAll, writeStream } from "../../internal/host/room.ts";
import { type ByteStream, readChunks, Semaphore, type SignalOptions } from "../../internal/room.ts";
import { encodeTarHeader, type NewTarEntry, tarPadding } from "../../internal/tar/room.ts";
import { type Descriptor, type Digest, digestOf, UNKNOWN_SIZE } from "../../spec/room.ts";
import { archiveError } from "./errors.ts";
import { type ArchiveTarget, openTemporary, type UnpublishedFile } from "./target.ts";

/** Placeholder for a digest that is not known yet. It has the same length as every SHA-256 digest. */
const PLACEHOLDER: Digest = digestOf(new Uint8Array());

const END_OF_ARCHIVE = new Uint8Array(1024);

/** Options for writing a blob as a member. */
export interface MemberOptions extends SignalOptions {
  /** Returns the name of the member for the digest of the blob. */
  getName(digest: Digest): string;
  /** Permissions of the member, such as 0o644. */
  mode: number;
}

/** A member with a small content. */
export interface NewMember extends Omit<NewTarEntry, "size"> {
  /** Content of the member. Default: empty. */
  content?: Uint8Array<ArrayBuffer>;
}

/**
 * Opens an archive for writing. The target does not change before {@linkcode ArchiveWriter.publish}. The time of all
 * members is `timestamp`, by default the start of 1970, so that the same image always produces the same archive.
 */
export async function openArchiveWriter(
  target: ArchiveTarget,
  context: SystemContext = {},
  options: OpenDestinationOptions = {},
): Promise<ArchiveWriter> {
  try {
    return new ArchiveWriter(target.path, await openTemporary(target, context), options);
  } catch (error) {
    throw archiveError(error, "write", target.path);
  }
}

/**
 * An archive that is being written. Members are written one after the other, so concurrent calls wait for each other.
 */
export class ArchiveWriter implements AsyncDisposable {
  readonly #path: string;
  readonly #temporary: UnpublishedFile;
  /** Writes without syncs: a file that is published is synced then. */
  readonly #writer: FileWriter;
  /** Modification time of all members in seconds since 1970. */
  readonly #modTime: number;
  readonly #turn = new Semaphore(1);
  readonly #blobs = new Map<Digest, number>();
  #position = 0;
  #broken: unknown;

  /** @param path Path of the archive, or its name in errors. */
  constructor(path: string, temporary: UnpublishedFile, { timestamp }: OpenDestinationOptions = {}) {
    this.#path = path;
    this.#temporary = temporary;
    this.#writer = new FileWriter(temporary.file, { syncs: false });
    this.#modTime = timestamp === undefined ? 0 : Math.floor(timestamp.getTime() / 1000);
  }

  /** Returns the size of a written blob in bytes; `undefined` if it was not written, or has another size. */
  findBlob({ digest, size }: Descriptor): number | undefined {
    const known = this.#blobs.get(digest);
    return size === UNKNOWN_SIZE || size === known ? known : undefined;
  }

  /** Writes a blob unless it was written before. If its stream fails, the archive is unchanged. */
  async putBlob(blob: NewBlob, stream: ByteStream, options: MemberOptions): Promise<BlobIdentity> {
    try {
      return await this.#turn.run(() => this.#putBlob(blob, stream, options), options.signal);
    } catch (error) {
      await stream.cancel(error).catch(() => {});
      throw error;
    }
  }

  /** Writes small members next to each other, all or none. */
  async putEntries(entries: readonly NewMember[]): Promise<void> {
    await this.#turn.run(() =>
      this.#writeAtomically(async () => {
        for (const { content = new Uint8Array(), ...entry } of entries) {
          await this.#write(encodeTarHeader({ modTime: this.#modTime, ...entry, size: content.length }));
          await this.#write(content);
          await this.#write(new Uint8Array(tarPadding(content.length)));
        }
        return true;
      })
    );
  }

  /** Completes the archive and moves it to its target. */
  async publish({ signal }: SignalOptions = {}): Promise<void> {
    await this.#turn.run(async () => {
      await this.#write(END_OF_ARCHIVE);
      signal?.throwIfAborted();
      await this.#temporary.publish(this.#path, { signal }).catch((error) => {
        throw archiveError(error, "write", this.#path);
      });
    }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    using _turn = await this.#turn.acquire();
    await this.#temporary[Symbol.asyncDispose]();
  }

  async #putBlob(blob: NewBlob, stream: ByteStream, { getName, mode, signal }: MemberOptions): Promise<BlobIdentity> {
    const known = blob.digest && this.#blobs.get(blob.digest);
    if (blob.digest && known !== undefined) {
      // The stream is measured while it is read, so it must be read to its end.
      for await (const _ of readChunks(stream)) signal?.throwIfAborted();
      return { digest: blob.digest, size: known };
    }
    const claimed = { digest: blob.digest ?? PLACEHOLDER, size: Math.max(blob.size, 0) };
    let actual: BlobIdentity = claimed;
    const encodeHeader = ({ digest, size }: BlobIdentity) =>
      encodeTarHeader({ name: getName(digest), type: "file", mode, size, modTime: this.#modTime });
    await this.#writeAtomically(async () => {
      const start = this.#position;
      const header = encodeHeader(claimed);
      await this.#write(header);
      const size = await this.#writeStream(stream, signal);
      actual = { digest: blob.digest ?? blob.measured().digest, size };
      if (this.#blobs.has(actual.digest)) return false;
      await this.#write(new Uint8Array(tarPadding(size)));
      await this.#replace(start, header, encodeHeader(actual));
      return true;
    });
    this.#blobs.set(actual.digest, actual.size);
    return actual;
  }

  async #writeStream(stream: ByteStream, signal: AbortSignal | undefined): Promise<number> {
    const start = this.#position;
    await writeStream(stream, (chunk) => this.#write(chunk), signal);
    return this.#position - start;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#use(() => this.#writer.write(bytes));
    this.#position += bytes.length;
  }

  /** Rewrites a header, now that the digest and the size are known. */
  async #replace(position: number, before: Uint8Array, header: Uint8Array): Promise<void> {
    if (header.length !== before.length) {
      throw new TypeError("Cannot write a blob to an archive: its digest is not SHA-256");
    }
    if (header.every((byte, at) => byte === before[at])) return;
    await this.#use(async (file) => {
      await file.seek(position, Deno.SeekMode.Start);
      await writeAll(file, header);
      await file.seek(this.#position, Deno.SeekMode.Start);
    });
  }

  /** Runs `work`, and removes what it has written unless it returns true. */
  async #writeAtomically(work: () => Promise<boolean>): Promise<void> {
    const start = this.#position;
    let kept = false;
    try {
      kept = await work();
    } finally {
      if (!kept) await this.#rollBack(start);
    }
  }

  async #rollBack(position: number): Promise<void> {
    try {
      await this.#temporary.file.truncate(position);
      await this.#temporary.file.seek(position, Deno.SeekMode.Start);
      this.#position = position;
    } catch (error) {
      // The archive has a partial member now and must not be published. Later calls report the first error.
      this.#broken ??= archiveError(error, "write", this.#path);
    }
  }

  async #use(work: (file: Deno.FsFile) => Promise<void>): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    try {
      await work(this.#temporary.file);
    } catch (error) {
      throw archiveError(error, "write", this.#path);
    }
  }
}
