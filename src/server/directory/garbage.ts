import { join } from "@std/path";
import { type Digest, isDigest, parseManifest } from "../../spec/room.ts";
import { listBlobs } from "../manifests.ts";
import type { RegistryStorage } from "../storage.ts";

/** What a collection removed. */
export interface Garbage {
  /** Number of blobs, manifests and uploads. */
  readonly files: number;
  /** Their size in bytes. */
  readonly bytes: number;
}

/** Default of `minAge`, in milliseconds: one day, which is longer than a push takes. */
const MIN_AGE = 24 * 3600 * 1000;

/**
 * Removes what nothing names from the folder of a directory storage. Requests may be served at the same time: what they
 * use becomes younger than `minAge`, and the age is looked at in the same turn in which a file is removed.
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
    const named = await namedBy(storage, repository);
    for (const kind of ["_blobs", "_manifests"]) {
      for (const { path, digest } of await entriesIn(join(folder, kind))) {
        const unnamed = kind === "_blobs" && named !== undefined && !named.has(digest);
        if (!digest || unnamed) sweeper.remove(path);
        if (sweeper.isThere(path)) kept.add(digest);
      }
    }
    for (const path of await filesIn(join(folder, "_tags"))) if (isLeftover(path)) sweeper.remove(path);
  }
  for (const { path, digest } of await entriesIn(join(root, "blobs"))) {
    if (!kept.has(digest)) sweeper.remove(path, true);
  }
  for (const path of await filesIn(join(root, "uploads"))) sweeper.remove(path, true);
  return sweeper;
}

/** Digests that the manifests of a repository name; `undefined` if one of them cannot be read, so nobody can say. */
async function namedBy(storage: RegistryStorage, repository: string): Promise<ReadonlySet<string> | undefined> {
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

/** Removes files that are old enough. */
class Sweeper implements Garbage {
  readonly #before: number;
  files = 0;
  bytes = 0;

  /** `before` is a time in milliseconds; what was changed later stays. */
  constructor(before: number) {
    this.#before = before;
  }

  /** Removes a file; `counts` says whether it is content. One turn: no request of this process can come in between. */
  remove(path: string, counts = false): void {
    const info = statSync(path);
    if (!info || (info.mtime?.getTime() ?? 0) > this.#before) return;
    Deno.removeSync(path);
    if (!counts) return;
    this.files++;
    this.bytes += info.size;
  }

  isThere(path: string): boolean {
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

/** Files named `<algorithm>/<hex>` in a folder; `digest` is empty for leftovers of writes that a crash ended. */
async function entriesIn(folder: string): Promise<{ path: string; digest: Digest | "" }[]> {
  const entries: { path: string; digest: Digest | "" }[] = [];
  for (const algorithmPath of await filesIn(folder)) {
    const algorithm = algorithmPath.slice(folder.length + 1);
    for (const path of await filesIn(algorithmPath)) {
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

async function filesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => join(folder, name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
