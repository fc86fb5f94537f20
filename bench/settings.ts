/** Settings that the benches share. */

/** Context for registries on loopback, without the cache of blob locations, so that no run profits from an earlier one. */
export const systemContext = { dockerInsecureSkipTlsVerify: true, blobInfoCacheDir: "" };
/** Environment that turns off the same cache for the command line. */
export const NO_CACHE = { MANIFESTS_BLOB_INFO_CACHE_DIR: "" };
/** Command of skopeo that copies lists between registries on loopback. */
export const SKOPEO = ["skopeo", "copy", "-q", "--all", "--src-tls-verify=false", "--dest-tls-verify=false"];
