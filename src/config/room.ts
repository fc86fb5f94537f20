/**
 * Parsers of configuration files, and look-ups in their content.
 *
 * @module
 */
export { findCredentials, parseAuthFile } from "./auth_file.ts";
export { type ContainersConf, parseContainersConf } from "./containers_conf.ts";
export { type CredentialKey, parseCredentialKey } from "./credential_key.ts";
export { parseHelperAnswer } from "./credential_helper.ts";
export { ConfigFileError } from "./config_file_error.ts";
export {
  assertNotBlocked,
  findRegistry,
  isShortName,
  localCandidates,
  mergeRegistriesConf,
  parseRegistriesConf,
  parseShortNameAliases,
  pullSources,
  resolveShortNameWith,
} from "./registries/mod.ts";
export { findSignatureStorage, parseRegistriesD } from "./registries_d.ts";
export { parseSigningParameters, type SigningParameters } from "./signing_parameters.ts";
export { parsePlainToml } from "./document/mod.ts";
export { parseStorageConf } from "./storage_conf.ts";
