import { join } from "@std/path";
import { findCacheFolder } from "../../config/files/room.ts";
import { BlobInfoCache, createBlobInfoCache } from "../../copy/room.ts";
import type { SystemContext } from "../../image/room.ts";
import { FILE_NAME, OptionalDatabase, SharedFacts } from "../../copy/blob_info/sqlite/room.ts";

/**
 * Opens what is known of blobs from earlier copies, in the file that the newest podman, buildah and skopeo have too.
 * Where the file may not be used, or there is any trouble with it, what is learnt lasts as long as the cache is held.
 * Nothing is made on the disk before something is recorded. Never prompts.
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

/** Whether a folder may be read and written. */
function mayUse(path: string): boolean {
  const names = ["read", "write"] as const;
  return names.every((name) => Deno.permissions.querySync({ name, path }).state === "granted");
}
