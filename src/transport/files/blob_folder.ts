import { dirname } from "@std/path";
import type { NewBlob } from "../../image/room.ts";
import { type ByteStream, OncePerKey } from "../../internal/room.ts";
import { createTemporaryFile, FileWriter, removeDeadFiles, writeStream } from "../../internal/host/room.ts";
import { createDigester, type Descriptor, type Digest, digestAlgorithm, UNKNOWN_SIZE } from "../../spec/room.ts";
import { explain, ignoreMissing } from "./errors.ts";

/** Permissions of the files of an image: other users may read them. */
export const IMAGE_FILE_MODE = 0o644;

/** Size in bytes of the buffer for hashing a file. A larger one is not faster. */
const HASH_BUFFER = 256 * 1024;

/**
 * Blobs as files that are named by their digests. An existing file is hashed once before it is used: a truncated or
 * damaged one is treated as missing and replaced.
 */
export class BlobFolder {
  readonly #folder: string;
  readonly #getPath: (digest: Digest) => string;
  /** Sizes of verified blobs in bytes; `undefined` for blobs that are damaged or missing. */
  readonly #checked = new OncePerKey<Digest, number | undefined>();
  #swept: Promise<void> | undefined;

  /** `folder` is the folder for temporary files; `getPath` returns the final path of a blob. */
  constructor(folder: string, getPath: (digest: Digest) => string) {
    this.#folder = folder;
    this.#getPath = getPath;
  }

  /**
   * Returns the size of an existing blob in bytes; `undefined` if it is missing, damaged or not of the descriptor's
   * size.
   */
  async find({ digest, size }: Descriptor, signal?: AbortSignal): Promise<number | undefined> {
    signal?.throwIfAborted();
    const path = this.#getPath(digest);
    return await explain(path, "read", async () => {
      const info = await Deno.lstat(path).catch(ignoreMissing);
      if (!info?.isFile || (size !== UNKNOWN_SIZE && size !== info.size)) return undefined;
      return await this.#checked.get(digest, (signal) => hashFile(path, digest, signal), signal);
    });
  }

  /** Writes a blob. It appears under its name only when it is complete. */
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
    const writer = new FileWriter(temporary.file);
    try {
      await writeStream(stream, (chunk) => this.#write(this.#folder, () => writer.write(chunk)), signal);
    } finally {
      // Also after a failure: the file is closed next.
      await this.#write(this.#folder, () => writer.settle());
    }
    const { digest, size } = blob.measured();
    const path = this.#getPath(digest);
    await this.#write(path, async () => {
      await Deno.mkdir(dirname(path), { recursive: true });
      await temporary.publish(path);
    });
    this.#checked.forget(digest);
    await this.#checked.get(digest, () => Promise.resolve(size));
  }

  /**
   * Removes leftovers of killed runs, once per object: a folder with thousands of blobs is not listed for each of them.
   */
  async #sweep(): Promise<void> {
    this.#swept ??= removeDeadFiles(this.#folder).catch((error) => {
      this.#swept = undefined;
      throw error;
    });
    await this.#swept;
  }

  /** Explains errors of the disk. An error of the stream is not an error of the disk, and keeps its own code. */
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
