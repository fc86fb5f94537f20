import { join } from "@std/path";
import { findCacheFolder } from "../../config/files/room.ts";
import { BlobInfoCache, createBlobInfoCache } from "../../copy/room.ts";
import type { SystemContext } from "../../image/room.ts";
import { FILE_NAME, OptionalDatabase, SharedFacts } from "../../copy/blob_info/sqlite/room.ts";

/**
 * Opens the cache of blob locations, in the file that the newest podman, buildah and skopeo also use. If the file cannot
 * be used, the cache is kept in memory. The file is created when the first entry is recorded. Never prompts for a
 * permission.
 */
export async function openBlobInfoCache(context: SystemContext): Promise<BlobInfoCache> {
  const folder = context.blobInfoCacheDir ?? findCacheFolder();
  if (!folder || !mayUse(folder)) return createBlobInfoCache();
  try {
    const { DatabaseSync } = await import("node:sqlite");
    return new BlobInfoCache(new SharedFacts(new OptionalDatabase(join(folder, FILE_NAME), DatabaseSync)));
  } catch {
    // A runtime without SQLite.
    return createBlobInfoCache();
  }
}

/** Returns whether permissions to read and write a folder are granted. */
function mayUse(path: string): boolean {
  const names = ["read", "write"] as const;
  return names.every((name) => Deno.permissions.querySync({ name, path }).state === "granted");
}
