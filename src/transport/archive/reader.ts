import type { SystemContext } from "../../image/room.ts";
import { detectCompression, peekCompression } from "../../internal/compression/room.ts";
import { type ByteStream, createStream, ReusedBuffers, type SignalOptions } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { inflate } from "./compressed.ts";
import { archiveError, invalidArchive } from "./errors.ts";
import { type ArchiveMember, indexMembers } from "./members.ts";
import { cleanMemberName, resolveMemberLink } from "./names.ts";
import { SharedFile } from "./shared_file.ts";
import { openSpool, spool } from "./spool.ts";

/** Size of a stream's chunks in bytes. */
const CHUNK_SIZE = 256 * 1024;
/** Number of bytes that identify any compression. */
const MAGIC_SIZE = 16;

/** A file in an archive, with the position of its content. */
export interface ArchiveFile {
  /** Name of the member, as requested. */
  readonly name: string;
  /** Position of the content in the archive, in bytes. */
  readonly offset: number;
  /** Size of the content in bytes. */
  readonly size: number;
}

/**
 * Opens a tar archive for reading its members in any order. A compressed archive, or one that is not a regular file, is
 * first copied to a temporary file.
 *
 * @throws {ManifestsError} With code `NOT_FOUND`, `ARCHIVE_INVALID`, `COMPRESSION_NOT_SUPPORTED`, `LIMIT_EXCEEDED` or
 * `TRANSPORT_IO`.
 */
export async function openArchive(path: string, context: SystemContext = {}): Promise<ArchiveReader> {
  let file: Deno.FsFile | undefined;
  try {
    file = await Deno.open(path);
    if (!await isPlainFile(file)) file = await uncompressedCopy(file, path, context);
    return await indexArchive(file, path);
  } catch (error) {
    closeQuietly(file);
    throw archiveError(error, "read", path);
  }
}

/**
 * Copies an archive from a stream to a temporary file, and opens it.
 *
 * @param name Name of the archive in errors.
 * @throws {ManifestsError} With the codes `ARCHIVE_INVALID`, `LIMIT_EXCEEDED` and `TRANSPORT_IO`.
 */
export async function receiveArchive(
  stream: ByteStream,
  name: string,
  context: SystemContext = {},
): Promise<ArchiveReader> {
  const file = await openSpool(context);
  try {
    await spool(stream, file);
    return await indexArchive(file, name);
  } catch (error) {
    file.close();
    throw archiveError(error, "read", name);
  }
}

/** Takes ownership of the file, unless it throws. */
async function indexArchive(file: Deno.FsFile, path: string): Promise<ArchiveReader> {
  const { size } = await file.stat();
  const shared = new SharedFile(file);
  return new ArchiveReader(path, shared, await indexMembers(shared, { size, path }));
}

/** True if the archive can be read in place. Leaves the position of the file at its start. */
async function isPlainFile(file: Deno.FsFile): Promise<boolean> {
  if (!(await file.stat()).isFile) return false;
  const head = new Uint8Array(MAGIC_SIZE);
  const length = await file.read(head) ?? 0;
  await file.seek(0, Deno.SeekMode.Start);
  return detectCompression(head.subarray(0, length)) === undefined;
}

/** Copies the decompressed archive to a temporary file, and closes the archive. */
async function uncompressedCopy(file: Deno.FsFile, path: string, context: SystemContext): Promise<Deno.FsFile> {
  if ((await file.stat()).isDirectory) throw invalidArchive(path, "it is a folder");
  const { compression, stream } = await peekCompression(file.readable);
  const copy = await openSpool(context);
  try {
    await spool(inflate(stream, compression, path), copy);
    return copy;
  } catch (error) {
    copy.close();
    throw error;
  }
}

/** Closes a file, unless a stream that read it to its end, or failed, has closed it. */
function closeQuietly(file: Deno.FsFile | undefined): void {
  try {
    file?.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** An open archive with an index of its members. */
export class ArchiveReader implements AsyncDisposable {
  /** Path of the archive, as the caller gave it. */
  readonly path: string;
  readonly #file: SharedFile;
  readonly #members: ReadonlyMap<string, ArchiveMember>;

  constructor(path: string, file: SharedFile, members: ReadonlyMap<string, ArchiveMember>) {
    this.path = path;
    this.#file = file;
    this.#members = members;
  }

  /**
   * Finds a file by its name, following at most one symbolic link. Returns `undefined` if no member has the name.
   *
   * @throws {ManifestsError} With code `ARCHIVE_INVALID` if the member is not a regular file.
   */
  findFile(name: string): ArchiveFile | undefined {
    const clean = cleanMemberName(name);
    const first = clean === undefined ? undefined : this.#members.get(clean);
    if (clean === undefined || first === undefined) return undefined;
    const target = first.kind === "symlink" ? resolveMemberLink(clean, first.target) : clean;
    const member = target === undefined ? undefined : this.#members.get(target);
    if (member?.kind !== "file") {
      throw invalidArchive(this.path, `its member ${JSON.stringify(name)} is not a regular file, nor a link to one`);
    }
    return { name, offset: member.offset, size: member.size };
  }

  /** Reads a whole file into memory. Fails with `LIMIT_EXCEEDED` if it has more than `limit` bytes. */
  async readFile({ name, offset, size }: ArchiveFile, limit: number): Promise<Uint8Array<ArrayBuffer>> {
    if (size > limit) {
      throw new ManifestsError(
        "LIMIT_EXCEEDED",
        `Cannot read ${JSON.stringify(name)} of archive ${
          JSON.stringify(this.path)
        } into memory: it has ${size} bytes, more than the limit of ${limit}`,
      );
    }
    return await this.#read(offset, size);
  }

  /** Returns the first `length` bytes of a file, or all of them if it is shorter. */
  async readHead({ offset, size }: ArchiveFile, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return await this.#read(offset, Math.min(size, length));
  }

  /** Returns a stream of a file's content. */
  streamFile({ offset, size }: ArchiveFile, { signal }: SignalOptions = {}): ByteStream {
    const end = offset + size, bufferSize = Math.min(CHUNK_SIZE, size);
    const buffers = new ReusedBuffers();
    let at = offset;
    const read = async (spare?: Uint8Array<ArrayBuffer>) => {
      signal?.throwIfAborted();
      if (at === end) return undefined;
      const bytes = await this.#read(at, Math.min(bufferSize, end - at), buffers.take(spare, bufferSize));
      at += bytes.length;
      return bytes;
    };
    return createStream(read, () => Promise.resolve());
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#file[Symbol.dispose]();
    return Promise.resolve();
  }

  async #read(position: number, size: number, buffer?: ArrayBuffer): Promise<Uint8Array<ArrayBuffer>> {
    try {
      const bytes = await this.#file.read(position, size, buffer);
      if (bytes.length === size) return bytes;
    } catch (error) {
      throw archiveError(error, "read", this.path);
    }
    throw invalidArchive(this.path, `it was truncated while it was read: byte ${position + size} is missing`);
  }
}
