import { ensureDir } from "@std/fs";
import { dirname, join } from "@std/path";
import { type ByteStream, decodeUtf8, encodeUtf8 } from "../../internal/room.ts";
import { tryLockFolder, writeAtomically } from "../../internal/host/room.ts";
import { type Digest, digestAlgorithm, digestHex, isDigest, ManifestsError, parseDigest } from "../../spec/room.ts";
import { collectGarbage, type Garbage } from "./garbage.ts";
import { DirectoryUpload } from "./upload.ts";
import type { ByteRange, KeptManifest, RegistryStorage, StoredUpload } from "../storage.ts";

/** A registry storage in a directory, which it keeps locked until it is disposed. */
export interface DirectoryStorage extends RegistryStorage, Disposable {
  /**
   * Removes content that is no longer used: blobs that no manifest of their repository names, content without a
   * repository, abandoned uploads and leftovers of crashes. Requests may be served at the same time.
   *
   * @param options.minAge Keeps content that was written, requested or mounted within this time, in milliseconds: a
   * running push may be about to name it. Default: one day.
   */
  collectGarbage(options?: { minAge?: number | undefined }): Promise<Garbage>;
}

/**
 * Opens a storage in a directory, which is created if it is missing. Every file is written under a temporary name and
 * renamed, so that a crash leaves no incomplete blob.
 *
 * Layout: `blobs/<algorithm>/<hex>`; `repositories/<name>/_blobs`, `_manifests` and `_tags` with one small file per
 * blob, manifest and tag; `uploads/`.
 *
 * @throws {ManifestsError} With code `DESTINATION_IN_USE` if another registry, in this process or another, uses the
 * directory; `LAYOUT_INVALID` if it is an OCI image layout, because `collectGarbage` would delete its blobs.
 *
 * @example
 * ```ts
 * import { createRegistry } from "@multiarch/manifests/server";
 * import { openDirectoryStorage } from "@multiarch/manifests/server/directory";
 * import assert from "node:assert/strict";
 *
 * const folder = await Deno.makeTempDir();
 * {
 *   using storage = await openDirectoryStorage(folder);
 *   const registry = createRegistry({ storage });
 *   assert.equal((await registry.fetch(new Request("http://registry.example/v2/"))).status, 200);
 * }
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function openDirectoryStorage(root: string): Promise<DirectoryStorage> {
  await ensureDir(root);
  if (await Deno.stat(join(root, "oci-layout")).catch(ignoreMissing)) {
    throw new ManifestsError(
      "LAYOUT_INVALID",
      `Cannot open registry folder ${JSON.stringify(root)}: it is an OCI image layout: choose another folder`,
    );
  }
  const lock = await tryLockFolder(root);
  if (!lock) {
    throw new ManifestsError(
      "DESTINATION_IN_USE",
      `Cannot open registry folder ${
        JSON.stringify(root)
      }: another registry uses it: stop that one, or choose another folder`,
    );
  }
  try {
    for (const name of ["blobs", "repositories", "uploads"]) await ensureDir(join(root, name));
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
  return new Storage(root, lock);
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound) return undefined;
  throw error;
}

/** Minimum time between two marks of a blob as used, in milliseconds: one hour. */
const FRESH = 3600 * 1000;

class Storage implements DirectoryStorage {
  readonly #root: string;
  readonly #lock: Disposable;

  constructor(root: string, lock: Disposable) {
    this.#root = root;
    this.#lock = lock;
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }

  async collectGarbage({ minAge }: { minAge?: number | undefined } = {}): Promise<Garbage> {
    return await collectGarbage(this.#root, this, { minAge });
  }

  async statBlob(repository: string, digest: Digest): Promise<number | undefined> {
    const path = this.#entry(repository, "_blobs", digest);
    const link = await Deno.stat(path).catch(ignoreMissing);
    if (!link || !await this.#use(path, link)) return undefined;
    return (await Deno.stat(this.#blob(digest)).catch(ignoreMissing))?.size;
  }

  /** Marks a link as used, so that it is kept until a manifest can name it. Returns `false` if it was removed in between. */
  async #use(path: string, { mtime }: Deno.FileInfo): Promise<boolean> {
    const now = new Date();
    if (mtime && now.getTime() - mtime.getTime() < FRESH) return true;
    try {
      await Deno.utime(path, now, now);
      return true;
    } catch (error) {
      // A read-only folder can still be served.
      return !(error instanceof Deno.errors.NotFound);
    }
  }

  async readBlob(digest: Digest, { start, end }: ByteRange): Promise<ByteStream | undefined> {
    const file = await Deno.open(this.#blob(digest)).catch(ignoreMissing);
    if (!file) return undefined;
    try {
      if (start > 0) await file.seek(start, Deno.SeekMode.Start);
    } catch (error) {
      file.close();
      throw error;
    }
    let left = end - start;
    return file.readable.pipeThrough(
      new TransformStream({
        transform(chunk, controller) {
          const part = chunk.subarray(0, left);
          left -= part.length;
          if (part.length > 0) controller.enqueue(part);
          if (left === 0) controller.terminate();
        },
      }),
    );
  }

  async linkBlob(digest: Digest, from: string, to: string): Promise<boolean> {
    if (await this.statBlob(from, digest) === undefined) return false;
    await this.#write(this.#entry(to, "_blobs", digest), "");
    return true;
  }

  async deleteBlob(repository: string, digest: Digest): Promise<boolean> {
    return await this.#remove(this.#entry(repository, "_blobs", digest));
  }

  async createUpload(): Promise<StoredUpload> {
    const path = join(this.#root, "uploads", crypto.randomUUID());
    await Deno.writeFile(path, new Uint8Array(), { createNew: true });
    return new DirectoryUpload(path, async (repository, digest) => {
      await ensureDir(dirname(this.#blob(digest)));
      await Deno.rename(path, this.#blob(digest));
      await this.#write(this.#entry(repository, "_blobs", digest), "");
    });
  }

  async getManifest(repository: string, digest: Digest): Promise<KeptManifest | undefined> {
    const mediaType = await this.#read(this.#entry(repository, "_manifests", digest));
    return mediaType && { bytes: await Deno.readFile(this.#blob(digest)), mediaType: decodeUtf8(mediaType) } ||
      undefined;
  }

  async putManifest(repository: string, digest: Digest, { bytes, mediaType }: KeptManifest): Promise<void> {
    await this.#write(this.#blob(digest), bytes);
    await this.#write(this.#entry(repository, "_manifests", digest), mediaType);
  }

  async deleteManifest(repository: string, digest: Digest): Promise<boolean> {
    for (const tag of await this.listTags(repository) ?? []) {
      if (await this.getTag(repository, tag) === digest) await this.deleteTag(repository, tag);
    }
    return await this.#remove(this.#entry(repository, "_manifests", digest));
  }

  async listManifests(repository: string): Promise<Digest[]> {
    const digests: Digest[] = [];
    const root = join(this.#root, "repositories", repository, "_manifests");
    for (const algorithm of await list(root)) {
      for (const hex of await list(join(root, algorithm))) {
        const digest = `${algorithm}:${hex}`;
        if (isDigest(digest)) digests.push(digest);
      }
    }
    return digests;
  }

  async getTag(repository: string, tag: string): Promise<Digest | undefined> {
    const bytes = await this.#read(this.#tag(repository, tag));
    return bytes && parseDigest(decodeUtf8(bytes));
  }

  async putTag(repository: string, tag: string, digest: Digest): Promise<void> {
    await this.#write(this.#tag(repository, tag), digest);
  }

  async deleteTag(repository: string, tag: string): Promise<boolean> {
    return await this.#remove(this.#tag(repository, tag));
  }

  async listTags(repository: string): Promise<string[] | undefined> {
    const root = join(this.#root, "repositories", repository);
    if (!await Deno.stat(join(root, "_manifests")).catch(ignoreMissing)) return undefined;
    return (await list(join(root, "_tags"))).sort();
  }

  async listRepositories(): Promise<string[]> {
    const found: string[] = [];
    const visit = async (path: string) => {
      const names = await list(join(this.#root, "repositories", path));
      if (names.some((name) => name.startsWith("_"))) found.push(path);
      for (const name of names) if (!name.startsWith("_")) await visit(path ? `${path}/${name}` : name);
    };
    await visit("");
    return found.sort();
  }

  #blob(digest: Digest): string {
    return join(this.#root, "blobs", digestAlgorithm(digest), digestHex(digest));
  }

  #entry(repository: string, kind: "_blobs" | "_manifests", digest: Digest): string {
    return join(this.#root, "repositories", repository, kind, digestAlgorithm(digest), digestHex(digest));
  }

  #tag(repository: string, tag: string): string {
    return join(this.#root, "repositories", repository, "_tags", tag);
  }

  async #write(path: string, content: Uint8Array | string): Promise<void> {
    await ensureDir(dirname(path));
    await writeAtomically(path, typeof content === "string" ? encodeUtf8(content) : content);
  }

  async #read(path: string): Promise<Uint8Array | undefined> {
    return await Deno.readFile(path).catch(ignoreMissing);
  }

  async #remove(path: string): Promise<boolean> {
    return await Deno.remove(path).then(() => true, (error) => ignoreMissing(error) ?? false);
  }
}

/** Returns the names in a directory, without the temporary files of unfinished writes; none if it does not exist. */
async function list(path: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(path));
    return entries.map(({ name }) => name).filter((name) => !name.startsWith(".tmp-"));
  } catch (error) {
    return ignoreMissing(error) ?? [];
  }
}
