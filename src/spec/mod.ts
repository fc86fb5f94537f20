/**
 * The nouns of the image specifications as values: digests, references, platforms, descriptors, indexes, manifests,
 * and the errors of this module. No I/O.
 *
 * @module
 */
export { chooseInstance, type ChooseInstanceOptions } from "./choose.ts";
export { convertToDockerManifest, convertToOciManifest, type ImageWithConfig } from "./convert/mod.ts";
export type { Credentials } from "./credentials.ts";
export type { RegistryWarning } from "./registry_warning.ts";
export type { Descriptor } from "./descriptor.ts";
export { type Digest, type DigestAlgorithm, digestAlgorithm, digestOf, isDigest, parseDigest } from "./digest.ts";
export {
  DigestMismatchError,
  ERROR_CODES,
  type ErrorCode,
  isManifestsError,
  ListImageUnknownError,
  ManifestsError,
  type ManifestsErrorOptions,
  ManifestsSyntaxError,
} from "../errors/room.ts";
export {
  convertToDockerList,
  convertToOciIndex,
  type DockerList,
  type DockerListEntry,
  type DockerPlatform,
  type OciIndex,
  parseDockerList,
  parseOciIndex,
  serializeDockerList,
  serializeOciIndex,
} from "./index.ts";
export {
  isIndex,
  manifestDigest,
  type ParsedImage,
  type ParsedIndex,
  type ParsedManifest,
  parseManifest,
} from "./manifest.ts";
export { MEDIA_TYPES } from "./media_types.ts";
export {
  compatiblePlatforms,
  createPlatform,
  findPlatform,
  formatPlatform,
  matchesPlatform,
  parsePlatform,
  type Platform,
} from "./platform.ts";
export { NamedReference, normalizeLocalName, parseReference, type ReferenceParts } from "./reference.ts";
