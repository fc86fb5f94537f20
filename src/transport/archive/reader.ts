import type { SystemContext } from "../../image/room.ts";
import { detectCompression, peekCompression } from "../../internal/compression/room.ts";
import type { ByteStream, SignalOptions } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { inflate } from "./compressed.ts";
import { archiveError, invalidArchive } from "./errors.ts";
import { type ArchiveMember, indexMembers } from "./members.ts";
import { cleanMemberName, resolveMemberLink } from "./names.ts";
import { SharedFile } from "./shared_file.ts";
import { openSpool, spool } from "./spool.ts";

/** How many bytes a stream reads at once. */
const CHUNK_SIZE = 256 * 1024;
/** So many bytes tell any compression. */
const MAGIC_SIZE = 16;

/** A file in an archive. */
export interface ArchiveFile {
  /** Its name. */
  readonly name: string;
  /** Where its content starts. */
  readonly offset: number;
  /** How many bytes it has. */
  readonly size: number;
}

/**
 * Opens a tar archive for reading in any order. It is read where it is, unless it is compressed or no regular file:
 * then it goes to a temporary file first.
 *
 * @throws {ManifestsError} With code `NOT_FOUND`, `ARCHIVE_INVALID`, `COMPRESSION_NOT_SUPPORTED`, `LIMIT_EXCEEDED` or
 * `TRANSPORT_IO`.
 */
export async function openArchive(path: string, context: SystemContext = {}): Promise<ArchiveReader> {
  let file: Deno.FsFile | undefined;
  try {
    file = await Deno.open(path);
    if (!await isPlainFile(file)) file = await uncompressedCopy(file, path, context);
    const { size } = await file.stat();
    const shared = new SharedFile(file);
    return new ArchiveReader(path, shared, await indexMembers(shared, { size, path }));
  } catch (error) {
    closeQuietly(file);
    throw archiveError(error, "read", path);
  }
}

/** Whether the archive can be read where it is. Leaves the file at its start. */
async function isPlainFile(file: Deno.FsFile): Promise<boolean> {
  if (!(await file.stat()).isFile) return false;
  const head = new Uint8Array(MAGIC_SIZE);
  const length = await file.read(head) ?? 0;
  await file.seek(0, Deno.SeekMode.Start);
  return detectCompression(head.subarray(0, length)) === undefined;
}

/** Copies the archive, which this closes, into a temporary file. */
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

/** A stream that read the file to its end, or failed, has closed it. */
function closeQuietly(file: Deno.FsFile | undefined): void {
  try {
    file?.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** An archive that is open, with an index of its members. */
export class ArchiveReader implements AsyncDisposable {
  /** Where it is. */
  readonly path: string;
  readonly #file: SharedFile;
  readonly #members: ReadonlyMap<string, ArchiveMember>;

  constructor(path: string, file: SharedFile, members: ReadonlyMap<string, ArchiveMember>) {
    this.path = path;
    this.#file = file;
    this.#members = members;
  }

  /**
   * Finds a file by its name, through one symbolic link at most; `undefined` where nothing is called so.
   *
   * @throws {ManifestsError} With code `ARCHIVE_INVALID` where it is no regular file.
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

  /** Reads a whole file; fails with `LIMIT_EXCEEDED` where it has more than `limit` bytes. */
  async readFile({ name, offset, size }: ArchiveFile, limit: number): Promise<Uint8Array<ArrayBuffer>> {
    if (size > limit) {
      throw new ManifestsError(
        "LIMIT_EXCEEDED",
        `Cannot read ${JSON.stringify(name)} of archive ${
          JSON.stringify(this.path)
        } into memory as it has more than ${limit} bytes: it has ${size}`,
      );
    }
    return await this.#read(offset, size);
  }

  /** The first bytes of a file: as many as were asked for, or all. */
  async readHead({ offset, size }: ArchiveFile, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return await this.#read(offset, Math.min(size, length));
  }

  /** A file's content. */
  streamFile({ offset, size }: ArchiveFile, { signal }: SignalOptions = {}): ByteStream {
    const end = offset + size;
    let at = offset;
    return new ReadableStream({
      pull: async (controller) => {
        signal?.throwIfAborted();
        if (at < end) {
          const bytes = await this.#read(at, Math.min(CHUNK_SIZE, end - at));
          at += bytes.length;
          controller.enqueue(bytes);
        }
        if (at === end) controller.close();
      },
    }, { highWaterMark: 0 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#file[Symbol.dispose]();
    return Promise.resolve();
  }

  async #read(position: number, size: number): Promise<Uint8Array<ArrayBuffer>> {
    try {
      const bytes = await this.#file.read(position, size);
      if (bytes.length === size) return bytes;
    } catch (error) {
      throw archiveError(error, "read", this.path);
    }
    throw invalidArchive(this.path, `it has become shorter: byte ${position + size} is gone`);
  }
}
