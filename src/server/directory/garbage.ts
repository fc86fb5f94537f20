import { join } from "@std/path";
import { type Digest, isDigest, parseManifest } from "../../spec/room.ts";
import { listBlobs } from "../manifests.ts";
import type { RegistryStorage } from "../storage.ts";

/** Content that {@linkcode DirectoryStorage.collectGarbage} has removed. */
export interface Garbage {
  /** Number of removed blobs, manifests and uploads. */
  readonly files: number;
  /** Total size of the removed files, in bytes. */
  readonly bytes: number;
}

/** Default for `minAge`, in milliseconds: one day, which is longer than a push takes. */
const MIN_AGE = 24 * 3600 * 1000;

/**
 * Removes unused content from the folder of a directory storage. Requests may be served at the same time: the content that
 * they use becomes younger than `minAge`, and the age is checked synchronously with the removal.
 */
export async function collectGarbage(
  root: string,
  storage: RegistryStorage,
  { minAge = MIN_AGE }: { minAge?: number | undefined },
): Promise<Garbage> {
  const sweeper = new Sweeper(Date.now() - minAge);
  const kept = new Set<string>();
  for (const repository of await storage.listRepositories()) {
    const folder = join(root, "repositories", repository);
    const named = await readNamedDigests(storage, repository);
    for (const kind of ["_blobs", "_manifests"]) {
      for (const { path, digest } of await listEntries(join(folder, kind))) {
        const unnamed = kind === "_blobs" && named !== undefined && !named.has(digest);
        if (!digest || unnamed) sweeper.remove(path);
        if (sweeper.exists(path)) kept.add(digest);
      }
    }
    for (const path of await listFiles(join(folder, "_tags"))) if (isLeftover(path)) sweeper.remove(path);
  }
  for (const { path, digest } of await listEntries(join(root, "blobs"))) {
    if (!kept.has(digest)) sweeper.remove(path, true);
  }
  for (const path of await listFiles(join(root, "uploads"))) sweeper.remove(path, true);
  return sweeper;
}

/** Returns the digests of the blobs that the manifests of a repository name; `undefined` if a manifest cannot be read. */
async function readNamedDigests(
  storage: RegistryStorage,
  repository: string,
): Promise<ReadonlySet<string> | undefined> {
  const named = new Set<string>();
  for (const digest of await storage.listManifests(repository)) {
    try {
      const stored = await storage.getManifest(repository, digest);
      if (stored) {
        for (const blob of listBlobs(parseManifest(stored.bytes, stored.mediaType))) named.add(blob.digest);
      }
    } catch {
      return undefined;
    }
  }
  return named;
}

/** Removes files that were not changed since a given time. */
class Sweeper implements Garbage {
  readonly #before: number;
  files = 0;
  bytes = 0;

  /** `before` is a time in milliseconds since 1970; files that were changed later stay. */
  constructor(before: number) {
    this.#before = before;
  }

  /** Removes a file; `isContent`: count it. Synchronous, so that no request of this process can come in between. */
  remove(path: string, isContent = false): void {
    const info = statSync(path);
    if (!info || (info.mtime?.getTime() ?? 0) > this.#before) return;
    Deno.removeSync(path);
    if (!isContent) return;
    this.files++;
    this.bytes += info.size;
  }

  exists(path: string): boolean {
    return statSync(path) !== undefined;
  }
}

function statSync(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Returns the files `<algorithm>/<hex>` of a folder; `digest` is empty for leftovers of writes that a crash ended. */
async function listEntries(folder: string): Promise<{ path: string; digest: Digest | "" }[]> {
  const entries: { path: string; digest: Digest | "" }[] = [];
  for (const algorithmPath of await listFiles(folder)) {
    const algorithm = algorithmPath.slice(folder.length + 1);
    for (const path of await listFiles(algorithmPath)) {
      const digest = `${algorithm}:${path.slice(algorithmPath.length + 1)}`;
      if (isDigest(digest)) entries.push({ path, digest });
      else if (isLeftover(path)) entries.push({ path, digest: "" });
    }
  }
  return entries;
}

function isLeftover(path: string): boolean {
  return path.slice(path.lastIndexOf("/") + 1).startsWith(".tmp-");
}

async function listFiles(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => join(folder, name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
