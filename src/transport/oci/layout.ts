import { join } from "@std/path";
import { openFileStream } from "../../internal/host/room.ts";
import { type ByteStream, readStream } from "../../internal/room.ts";
import { type Digest, digestAlgorithm, digestHex, ManifestsError, MAX_MANIFEST_SIZE } from "../../spec/room.ts";
import { explain, ignoreMissing } from "../files/errors.ts";
import { type LayoutIndex, MAX_LAYOUT_INDEX, parseLayoutIndex, tooLarge } from "./layout_index.ts";

/** A file of a layout, open for reading. */
interface OpenFile {
  readonly stream: ByteStream;
  readonly size: number;
}

/** A folder with an OCI image layout (image-spec, image-layout.md). */
export class Layout {
  /** Path of the folder, as given. */
  readonly path: string;
  /** Folder of the blobs: `blobs` of the layout, or a folder that several layouts share. */
  readonly blobs: string;
  /** Folders that may be read: the layout, and the shared folder that the caller named. */
  readonly #roots: readonly string[];

  /**
   * `sharedBlobs` is a folder of blobs that several layouts share. If `undefined` or empty, the layout's `blobs` is
   * used.
   */
  constructor(path: string, sharedBlobs: string | undefined) {
    this.path = path;
    this.blobs = sharedBlobs || join(path, "blobs");
    this.#roots = sharedBlobs ? [path, sharedBlobs] : [path];
  }

  /** Returns the path of a blob, which may not exist. */
  blobPath(digest: Digest): string {
    return join(this.blobs, digestAlgorithm(digest), digestHex(digest));
  }

  /** Path of the index, which may not exist. */
  get indexPath(): string {
    return join(this.path, "index.json");
  }

  /** Reads the index. Returns `undefined` if there is none. */
  async findIndex(): Promise<LayoutIndex | undefined> {
    const what = `index.json of layout ${JSON.stringify(this.path)}`;
    const bytes = await this.#read(this.indexPath, what, MAX_LAYOUT_INDEX, () => tooLarge(what));
    return bytes && parseLayoutIndex(bytes, what);
  }

  /** Opens a blob. Throws `NOT_FOUND`, or `LAYOUT_INVALID` if it is not a file inside the layout. */
  async openBlob(digest: Digest): Promise<ByteStream> {
    return (await this.#open(this.blobPath(digest), digest) ?? this.#fail(digest)).stream;
  }

  /** Returns the size of a blob in bytes; `undefined` if the file does not exist. */
  async findBlob(digest: Digest): Promise<number | undefined> {
    return (await this.#stat(this.blobPath(digest), digest))?.size;
  }

  /** Reads a manifest without verifying its digest. */
  async readManifest(digest: Digest): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.#read(this.blobPath(digest), digest, MAX_MANIFEST_SIZE, (size) =>
      new ManifestsError(
        "LIMIT_EXCEEDED",
        `Cannot read manifest ${digest} of layout ${
          JSON.stringify(this.path)
        }: it has ${size} bytes, more than the limit of ${MAX_MANIFEST_SIZE}`,
      ));
    return bytes ?? this.#fail(digest);
  }

  /** Throws `LAYOUT_INVALID` if a folder of blobs is a link that leads out of the layout: readers reject such blobs. */
  async assertBlobsInside(): Promise<void> {
    const folders = [this.blobs, ...["sha256", "sha384", "sha512"].map((algorithm) => join(this.blobs, algorithm))];
    for (const folder of folders) {
      await explain(folder, "read", async () => {
        const real = await Deno.realPath(folder).catch(ignoreMissing);
        if (real !== undefined) await this.#assertInside(real, folder);
      });
    }
  }

  #fail(digest: Digest): never {
    throw new ManifestsError("NOT_FOUND", `Cannot read ${digest}: it is not in layout ${JSON.stringify(this.path)}`);
  }

  /** Reads a small file. Returns `undefined` if it does not exist. */
  async #read(
    path: string,
    what: string,
    limit: number,
    tooLarge: (size: number) => ManifestsError,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const file = await this.#open(path, what);
    if (!file) return undefined;
    if (file.size > limit) await file.stream.cancel();
    else {
      const bytes = await explain(path, "read", () => readStream(file.stream, limit));
      if (bytes) return bytes;
    }
    throw tooLarge(file.size);
  }

  /** Opens a file. Returns `undefined` if it does not exist. */
  async #open(path: string, what: string): Promise<OpenFile | undefined> {
    const found = await this.#stat(path, what);
    return found && await explain(path, "read", async () => {
      return { stream: await openFileStream(found.real), size: found.size };
    });
  }

  /** Examines a file before it is opened, because opening a pipe would wait for a writer. */
  async #stat(path: string, what: string): Promise<{ real: string; size: number } | undefined> {
    return await explain(path, "read", async () => {
      const real = await Deno.realPath(path).catch(ignoreMissing);
      if (real === undefined) return undefined;
      await this.#assertInside(real, what);
      const { isFile, size } = await Deno.stat(real);
      if (!isFile) throw this.#invalid(what, "it is not a file");
      return { real, size };
    });
  }

  /**
   * Throws if a path leads out of the layout. Layouts are untrusted: a link must not publish another file of this
   * machine.
   */
  async #assertInside(path: string, what: string): Promise<void> {
    for (const root of this.#roots) {
      const real = await Deno.realPath(root).catch(ignoreMissing);
      if (real !== undefined && (path === real || path.startsWith(join(real, "/")))) return;
    }
    throw this.#invalid(what, "it is a link that leads out of the layout");
  }

  #invalid(what: string, problem: string): ManifestsError {
    return new ManifestsError(
      "LAYOUT_INVALID",
      `Cannot use ${what} of layout ${JSON.stringify(this.path)}: ${problem}`,
    );
  }
}
