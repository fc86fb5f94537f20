/**
 * Finds and loads configuration files. Requires a host with a file system.
 *
 * @module
 */
export { findSavedCredentials, loadCredentials } from "./auth_files.ts";
export { findCacheFolder } from "./cache_folder.ts";
export { loadCertificates } from "./certs_files.ts";
export { loadContainersConf } from "./containers_files.ts";
export { findDockerEndpoint } from "./docker_endpoint.ts";
export { findHome, mayRead, mayReadEnv, readEnv, readOptional, readRequired } from "./host.ts";
export { builtInLookaside, loadRegistriesD } from "./registries_d_files.ts";
export { loadRegistriesConf, loadShortNameAliases } from "./registries_files.ts";
export {
  assertSavable,
  eraseAllCredentials,
  eraseCredentials,
  type Password,
  saveCredentials,
} from "./saved_credentials.ts";
export { loadSigningParameters } from "./signing_parameters_file.ts";
export { findStore } from "./storage_files.ts";
export { loadMediaTypeFiles } from "./media_type_files.ts";
