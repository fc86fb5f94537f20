import { join } from "@std/path";
import { findUid, readEnv } from "./host.ts";

/** Names a folder for what is known of blobs, instead of the real tools' one; empty: nothing is kept. */
const VARIABLE = "MANIFESTS_BLOB_INFO_CACHE_DIR";

/**
 * The folder in which the real tools keep what they know of blobs (c/image pkg/blobinfocache `blobInfoCacheDir`);
 * `undefined` where it cannot be known, or where there shall be none. Never prompts.
 */
export function findCacheFolder(): string | undefined {
  const named = readEnv(VARIABLE);
  if (named !== undefined) return named || undefined;
  const uid = findUid();
  if (uid === undefined) return undefined;
  if (uid === 0 && !readEnv("_CONTAINERS_ROOTLESS_UID")) return "/var/lib/containers/cache";
  const home = readEnv("HOME");
  const data = readEnv("XDG_DATA_HOME") || (home && join(home, ".local", "share"));
  return data && join(data, "containers", "cache");
}
