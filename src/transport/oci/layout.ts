import { join } from "@std/path";
import { type ByteStream, readStream } from "../../internal/room.ts";
import { type Digest, digestAlgorithm, digestHex, ManifestsError, MAX_MANIFEST_SIZE } from "../../spec/room.ts";
import { explain, ignoreMissing } from "../files/errors.ts";
import { type LayoutIndex, MAX_LAYOUT_INDEX, parseLayoutIndex, tooLarge } from "./layout_index.ts";

/** A file of a layout, open for reading. */
interface OpenFile {
  readonly stream: ByteStream;
  readonly size: number;
}

/** A folder with an OCI image layout. */
export class Layout {
  /** The folder. */
  readonly path: string;
  /** The folder of blobs: the layout's own, or one that several layouts share. */
  readonly blobs: string;
  /** Within these must be what is read: the layout, and the shared folder, which the caller named. */
  readonly #roots: readonly string[];

  /** `sharedBlobs` is a folder of blobs that several layouts share; `undefined` or empty: the layout has its own. */
  constructor(path: string, sharedBlobs: string | undefined) {
    this.path = path;
    this.blobs = sharedBlobs || join(path, "blobs");
    this.#roots = sharedBlobs ? [path, sharedBlobs] : [path];
  }

  /** Where a blob is, or would be. */
  blobPath(digest: Digest): string {
    return join(this.blobs, digestAlgorithm(digest), digestHex(digest));
  }

  /** Where the index is. */
  get indexPath(): string {
    return join(this.path, "index.json");
  }

  /** Reads the index; `undefined` where there is none. */
  async findIndex(): Promise<LayoutIndex | undefined> {
    const what = `index.json of layout ${JSON.stringify(this.path)}`;
    const bytes = await this.#read(this.indexPath, what, MAX_LAYOUT_INDEX, () => tooLarge(what));
    return bytes && parseLayoutIndex(bytes, what);
  }

  /** Opens a blob. Throws `NOT_FOUND`, or `LAYOUT_INVALID` where it is no file inside of the layout. */
  async openBlob(digest: Digest): Promise<ByteStream> {
    return (await this.#open(this.blobPath(digest), digest) ?? this.#fail(digest)).stream;
  }

  /** Returns the size of a blob in bytes; `undefined` if there is no such file. */
  async findBlob(digest: Digest): Promise<number | undefined> {
    return (await this.#stat(this.blobPath(digest), digest))?.size;
  }

  /** Reads a manifest, unverified. */
  async readManifest(digest: Digest): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.#read(this.blobPath(digest), digest, MAX_MANIFEST_SIZE, (size) =>
      new ManifestsError(
        "LIMIT_EXCEEDED",
        `Cannot read ${digest} of layout ${JSON.stringify(this.path)} as a manifest as it has ${size} bytes`,
      ));
    return bytes ?? this.#fail(digest);
  }

  /** Refuses a layout whose folders of blobs lead out of it: what is written there is not found in it. */
  async requireOwnBlobs(): Promise<void> {
    const folders = [this.blobs, ...["sha256", "sha384", "sha512"].map((algorithm) => join(this.blobs, algorithm))];
    for (const folder of folders) {
      await explain(folder, "read", async () => {
        const real = await Deno.realPath(folder).catch(ignoreMissing);
        if (real !== undefined) await this.#requireInside(real, folder);
      });
    }
  }

  #fail(digest: Digest): never {
    throw new ManifestsError("NOT_FOUND", `Cannot read ${digest} as it is not in layout ${JSON.stringify(this.path)}`);
  }

  /** The content of a small file; `undefined` where it is not there. */
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

  /** Opens a file; `undefined` where it is not there. */
  async #open(path: string, what: string): Promise<OpenFile | undefined> {
    const found = await this.#stat(path, what);
    return found && await explain(path, "read", async () => {
      return { stream: (await Deno.open(found.real)).readable as ByteStream, size: found.size };
    });
  }

  /** Looks a file up before it is opened: opening a pipe waits for somebody who writes to it. */
  async #stat(path: string, what: string): Promise<{ real: string; size: number } | undefined> {
    return await explain(path, "read", async () => {
      const real = await Deno.realPath(path).catch(ignoreMissing);
      if (real === undefined) return undefined;
      await this.#requireInside(real, what);
      const { isFile, size } = await Deno.stat(real);
      if (!isFile) throw this.#invalid(what, "it is no file");
      return { real, size };
    });
  }

  /** A layout is often somebody else's: a link in it must not make us publish a file of this machine. */
  async #requireInside(path: string, what: string): Promise<void> {
    for (const root of this.#roots) {
      const real = await Deno.realPath(root).catch(ignoreMissing);
      if (real !== undefined && (path === real || path.startsWith(join(real, "/")))) return;
    }
    throw this.#invalid(what, "it is a link that leads out of it");
  }

  #invalid(what: string, problem: string): ManifestsError {
    return new ManifestsError(
      "LAYOUT_INVALID",
      `Cannot use ${what} of layout ${JSON.stringify(this.path)} as ${problem}`,
    );
  }
}
