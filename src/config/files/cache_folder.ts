import { join } from "@std/path";
import { findUid, readEnv } from "./host.ts";

/**
 * Environment variable with the folder of the blob info cache. Default: that of podman and buildah. Empty: no cache.
 */
const VARIABLE = "MANIFESTS_BLOB_INFO_CACHE_DIR";

/**
 * Finds the folder of the blob info cache that podman and buildah share (c/image pkg/blobinfocache `blobInfoCacheDir`);
 * `undefined` if it cannot be determined or the cache is disabled. Never prompts.
 */
export function findCacheFolder(): string | undefined {
  const named = readEnv(VARIABLE);
  if (named !== undefined) return named || undefined;
  const uid = findUid();
  if (uid === undefined) return undefined;
  if (uid === 0 && !readEnv("_CONTAINERS_ROOTLESS_UID")) return "/var/lib/containers/cache";
  // Other tools do not look into /etc/passwd here.
  const home = readEnv("HOME");
  const data = readEnv("XDG_DATA_HOME") || (home && join(home, ".local", "share"));
  return data && join(data, "containers", "cache");
}
