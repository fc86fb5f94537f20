/**
 * `registries.conf`: locations and mirrors of registries, blocked registries, and short names.
 *
 * @module
 */
export { parseShortNameAliases, type ShortNameAliases } from "./aliases.ts";
export { findRegistry } from "./match.ts";
export { mergeRegistriesConf } from "./merge.ts";
export { parseRegistriesConf, type ParseRegistriesConfOptions } from "./parse.ts";
export { assertNotBlocked, type PullSource, pullSources } from "./pull_sources.ts";
export {
  isShortName,
  localCandidates,
  resolveShortNameWith,
  type ResolveShortNameWithOptions,
  type ShortNameResolution,
} from "./short_names.ts";
export {
  type PullFromMirror,
  type RegistriesConf,
  type RegistryEntry,
  type RegistryMirror,
  SHORT_NAME_MODES,
  type ShortNameMode,
} from "./types.ts";
