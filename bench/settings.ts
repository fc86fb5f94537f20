/** How the benches run what they measure. */

/** For registries on loopback; nothing that an earlier run has learnt helps a later one. */
export const systemContext = { dockerInsecureSkipTlsVerify: true, blobInfoCacheDir: "" };
/** The same for the command line. */
export const NO_CACHE = { MANIFESTS_BLOB_INFO_CACHE_DIR: "" };
/** skopeo for lists of registries on loopback. */
export const SKOPEO = ["skopeo", "copy", "-q", "--all", "--src-tls-verify=false", "--dest-tls-verify=false"];
