/**
 * Parsers of configuration files, and look-ups in their content.
 *
 * @module
 */
export {
  type AuthFile,
  findAuth,
  findCredentials,
  type FoundAuth,
  type HelperQuestion,
  parseAuthFile,
  type ParseAuthFileOptions,
} from "./auth_file.ts";
export type { RegistryCertificates } from "./certificates.ts";
export { type ContainersConf, parseContainersConf } from "./containers_conf.ts";
export { type CredentialKey, parseCredentialKey } from "./credential_key.ts";
export { type HelperOutcome, parseHelperAnswer } from "./credential_helper.ts";
export { ConfigFileError, type ConfigFilePlace } from "./config_file_error.ts";
export {
  assertNotBlocked,
  findRegistry,
  isShortName,
  localCandidates,
  mergeRegistriesConf,
  parseRegistriesConf,
  type ParseRegistriesConfOptions,
  parseShortNameAliases,
  type PullFromMirror,
  type PullSource,
  pullSources,
  type RegistriesConf,
  type RegistryEntry,
  type RegistryMirror,
  resolveShortNameWith,
  type ResolveShortNameWithOptions,
  SHORT_NAME_MODES,
  type ShortNameAliases,
  type ShortNameMode,
  type ShortNameResolution,
} from "./registries/mod.ts";
export {
  findSignatureStorage,
  type FoundSignatureStorage,
  parseRegistriesD,
  type RegistriesD,
  type SignatureSection,
} from "./registries_d.ts";
export { parseSigningParameters, type SigningParameters } from "./signing_parameters.ts";
export { parseStorageConf, type StorageConf } from "./storage_conf.ts";
export type { TomlParser, YamlParser } from "./document/mod.ts";
