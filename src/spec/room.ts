/**
 * The nouns of the image specifications as values: digests, references, platforms, descriptors, indexes, manifests,
 * and the errors of this module. No I/O.
 *
 * @module
 */
export { ATTESTED_DIGEST, findAttested, isAttestation } from "./attestation.ts";
export { chooseEntry, chooseInstance, ZSTD_ANNOTATION } from "./choose.ts";
export {
  convertFromSchema1,
  convertToDockerManifest,
  convertToOciManifest,
  convertToSchema1,
  describeArtifact,
  EMPTY_GZIP_LAYER,
  isArtifact,
  isChangeableLayer,
  isForeignLayer,
  type LayerCompression,
  layerMediaType,
  renameSchema1,
  replaceLayers,
  replaceSchema1Layers,
  schema1EmptyLayers,
} from "./convert/mod.ts";
export type { Credentials } from "./credentials.ts";
export type { RegistryWarning } from "./registry_warning.ts";
export type { RetryEvent } from "./retry_event.ts";
export { type Descriptor, descriptorJson, readDescriptor, UNKNOWN_SIZE } from "./descriptor.ts";
export {
  createDigester,
  type Digest,
  type DigestAlgorithm,
  digestAlgorithm,
  digestHex,
  digestOf,
  isDigest,
  isWellFormedDigest,
  parseDigest,
} from "./digest.ts";
export {
  DigestMismatchError,
  type ErrorCode,
  isManifestsError,
  ListImageUnknownError,
  ManifestsError,
  type ManifestsErrorOptions,
  ManifestsSyntaxError,
  parseNamed,
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
  EMPTY_DESCRIPTOR,
  EMPTY_JSON,
  getEntries,
  guessMediaType,
  isIndex,
  manifestDigest,
  MAX_CONFIG_SIZE,
  MAX_MANIFEST_SIZE,
  type ParsedImage,
  type ParsedIndex,
  type ParsedManifest,
  parseManifest,
  verifyManifestDigest,
} from "./manifest.ts";
export { readOciConfig } from "./convert/oci_config.ts";
export { hasImageConfig, type ImageConfig, isImageConfigType, parseImageConfig } from "./image_config.ts";
export { isIndexMediaType, isSchema1MediaType, MEDIA_TYPES } from "./media_types.ts";
export { describePlatforms, narrowEntries, type NarrowOptions } from "./narrow.ts";
export {
  compatiblePlatforms,
  contradictsPlatform,
  createPlatform,
  findByPlatform,
  findPlatform,
  formatPlatform,
  isEmptyPlatform,
  matchesAnyVariant,
  matchesPlatform,
  normalizePlatform,
  parsePlatform,
  type Platform,
  platformJson,
} from "./platform.ts";
export {
  dropTagOfDigest,
  hasDomain,
  isRegistryHost,
  isTag,
  NamedReference,
  normalizeLocalName,
  parseReference,
} from "./reference.ts";
export { assertTransportSupported, findTransportName } from "./transport_names.ts";
export { findReferrer, type Referrer } from "./referrer.ts";
export { markVerified, readBlob, verifyBlob } from "./verify.ts";
