import { dirname } from "@std/path";
import type { NewBlob } from "../../image/room.ts";
import { type ByteStream, OncePerKey } from "../../internal/room.ts";
import { writeAll } from "../../internal/host/room.ts";
import { createDigester, type Descriptor, type Digest, digestAlgorithm, UNKNOWN_SIZE } from "../../spec/room.ts";
import { explain, ignoreMissing } from "./errors.ts";
import { createTemporaryFile, removeDeadFiles } from "./temporary_file.ts";

/** Permissions of the files of images: they are there for others to read. */
export const IMAGE_FILE_MODE = 0o644;

/** How much of a file is read at once to hash it, in bytes; more is no faster. */
const HASH_BUFFER = 256 * 1024;

/**
 * Blobs as files that are named by their digests. What is in the folder already is believed only after it was hashed
 * once: a file that is short or broken is as if it were not there, and is replaced.
 */
export class BlobFolder {
  readonly #folder: string;
  readonly #pathOf: (digest: Digest) => string;
  /** The sizes of blobs that are known to be right; `undefined` where they are not, or not there. */
  readonly #checked = new OncePerKey<Digest, number | undefined>();
  #swept: Promise<void> | undefined;

  /** `folder` is where temporary files are; `pathOf` says where a blob belongs. */
  constructor(folder: string, pathOf: (digest: Digest) => string) {
    this.#folder = folder;
    this.#pathOf = pathOf;
  }

  /** The size of a blob that is there; `undefined` where it is not, or has another size than the descriptor says. */
  async find({ digest, size }: Descriptor, signal?: AbortSignal): Promise<number | undefined> {
    signal?.throwIfAborted();
    const path = this.#pathOf(digest);
    return await explain(path, "read", async () => {
      const info = await Deno.lstat(path).catch(ignoreMissing);
      if (!info?.isFile || (size !== UNKNOWN_SIZE && size !== info.size)) return undefined;
      return await this.#checked.get(digest, (signal) => hashFile(path, digest, signal), signal);
    });
  }

  /** Writes a blob: nobody sees it before all of it is there. */
  async put(blob: NewBlob, stream: ByteStream, signal?: AbortSignal): Promise<void> {
    try {
      await this.#put(blob, stream, signal);
    } catch (error) {
      await stream.cancel(error).catch(() => {});
      throw error;
    }
  }

  async #put(blob: NewBlob, stream: ByteStream, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    await using temporary = await this.#write(this.#folder, async () => {
      await Deno.mkdir(this.#folder, { recursive: true });
      await this.#sweep();
      return await createTemporaryFile(this.#folder, IMAGE_FILE_MODE);
    });
    const sink = new WritableStream<Uint8Array<ArrayBuffer>>({
      write: (chunk) => this.#write(this.#folder, () => writeAll(temporary.file, chunk)),
    });
    // Not a loop: only a pipe ends a read that waits when the signal comes.
    await stream.pipeTo(sink, signal ? { signal } : {});
    const { digest, size } = blob.measured();
    const path = this.#pathOf(digest);
    await this.#write(path, async () => {
      await Deno.mkdir(dirname(path), { recursive: true });
      await temporary.publish(path);
    });
    this.#checked.forget(digest);
    await this.#checked.get(digest, () => Promise.resolve(size));
  }

  /** Removes what dead runs have left, once: a folder with thousands of blobs is not listed for each of them. */
  async #sweep(): Promise<void> {
    this.#swept ??= removeDeadFiles(this.#folder).catch((error) => {
      this.#swept = undefined;
      throw error;
    });
    await this.#swept;
  }

  /** Only what the disk does is the disk's fault: an error of the stream keeps its own name. */
  #write<T>(path: string, work: () => Promise<T>): Promise<T> {
    return explain(path, "write", work);
  }
}

async function hashFile(path: string, digest: Digest, signal: AbortSignal): Promise<number | undefined> {
  const digester = createDigester(digestAlgorithm(digest));
  using file = await Deno.open(path);
  const buffer = new Uint8Array(HASH_BUFFER);
  let size = 0;
  for (let count; (count = await file.read(buffer)) !== null; size += count) {
    signal.throwIfAborted();
    digester.update(buffer.subarray(0, count));
  }
  return digester.digest() === digest ? size : undefined;
}
