import type { DestinationAbilities } from "../image/room.ts";
import {
  describeArtifact,
  isArtifact,
  isIndexMediaType,
  isSchema1MediaType,
  manifestDigest,
  ManifestsError,
  MEDIA_TYPES,
  type ParsedImage,
  type ParsedIndex,
} from "../spec/room.ts";
import { type Algorithm, baseAlgorithm } from "./recoding/mod.ts";

/** Options that determine the media types in which a manifest may be written. */
export interface FormatOptions {
  /** The media types that the destination accepts. */
  readonly abilities: Pick<DestinationAbilities, "keepsIndex" | "manifestTypes" | "preservedManifestTypes">;
  /** The only allowed media type of image manifests; `undefined`: any. */
  readonly forced?: string | undefined;
  /** The reason why the manifest must not change; `undefined`: it may. */
  readonly fixed?: string | undefined;
}

/** Media types of image manifests, in order of preference: the obsolete schema 1 comes last. */
const IMAGE_TYPES = [
  MEDIA_TYPES.dockerManifest,
  MEDIA_TYPES.ociManifest,
  MEDIA_TYPES.dockerSchema1Signed,
  MEDIA_TYPES.dockerSchema1,
];

const INDEX_TYPES = [MEDIA_TYPES.dockerList, MEDIA_TYPES.ociIndex];

/**
 * Returns the media types in which an image's manifest may be written, best first: its own if the destination accepts it.
 * The others are tried in this order if the destination rejects a type, although it claims to accept it
 * (copy/manifest.go `determineManifestConversion`).
 *
 * @param algorithm The algorithm with which layers will be recompressed; `undefined`: none is.
 * @throws {ManifestsError} With code `CANNOT_MODIFY`, `COMPRESSION_NOT_SUPPORTED`, `CONVERSION_NOT_SUPPORTED` or
 * `MANIFEST_TYPE_NOT_SUPPORTED`.
 */
export function listImageTypes(image: ParsedImage, settings: FormatOptions, algorithm?: Algorithm): string[] {
  const { forced, fixed } = settings;
  const current = image.mediaType;
  const accepted = listAcceptedTypes(settings, IMAGE_TYPES).filter((type) => !isIndexMediaType(type));
  const supported = forced ? accepted.filter((type) => type === forced) : accepted;
  if (forced && supported.length === 0) throw typeNotSupported(forced, accepted);
  if (fixed) {
    if (supported.includes(current)) return [current];
    throw cannotModify(`write ${nameImage(image)} as ${supported.join(" or ")}`, fixed);
  }
  if (isArtifact(image) && !supported.includes(current)) {
    throw new ManifestsError(
      "CONVERSION_NOT_SUPPORTED",
      `Cannot write ${nameImage(image)} as ${supported.join(" or ")}: ${
        describeArtifact(image)
      } cannot be converted: ` +
        "omit manifestType (--format), or use another destination",
    );
  }
  if (isArtifact(image)) return [current];
  // Docker's manifest formats have no media type for layers that are compressed with zstd.
  const zstd = algorithm !== undefined && baseAlgorithm(algorithm) === "zstd";
  const expressible = zstd ? supported.filter((type) => type === MEDIA_TYPES.ociManifest) : supported;
  if (expressible.length === 0) throw inexpressible(algorithm, forced, supported);
  const known = IMAGE_TYPES.filter((type) => expressible.includes(type));
  if (known.length === 0) throw typeNotSupported(current, supported);
  return known.toSorted((a, b) => Number(b === current) - Number(a === current));
}

function nameImage(image: ParsedImage): string {
  return `manifest ${manifestDigest(image.bytes)} of type ${image.mediaType}`;
}

/** Returns the media types that the destination accepts; `all` if it accepts any. */
function listAcceptedTypes({ abilities, fixed }: FormatOptions, all: readonly string[]): readonly string[] {
  const { manifestTypes, preservedManifestTypes = [] } = abilities;
  if (manifestTypes.length === 0) return all;
  return fixed ? [...manifestTypes, ...preservedManifestTypes] : manifestTypes;
}

function inexpressible(algorithm: Algorithm | undefined, forced: string | undefined, supported: readonly string[]) {
  if (algorithm === undefined) return typeNotSupported("any", supported);
  const place = forced ? `format ${forced}` : `a destination that accepts only ${supported.join(", ")}`;
  return new ManifestsError(
    "COMPRESSION_NOT_SUPPORTED",
    `Cannot use compression ${algorithm} with ${place}: it does not support ${algorithm}`,
  );
}

function typeNotSupported(type: string, supported: readonly string[]): ManifestsError {
  return new ManifestsError(
    "MANIFEST_TYPE_NOT_SUPPORTED",
    `Cannot copy a manifest of type ${type}: the destination accepts only ${supported.join(", ") || "other types"}`,
  );
}

/** Creates the error for an action that would change a manifest that must not change. */
export function cannotModify(action: string, reason: string): ManifestsError {
  return new ManifestsError("CANNOT_MODIFY", `Cannot ${action}: the manifest must not change, because ${reason}`);
}

/** Options for {@linkcode listIndexTypes}. */
export interface IndexFormatOptions extends FormatOptions {
  /** Whether some instance needs the annotation for zstd, which only OCI indexes support. */
  readonly marksZstd: boolean;
}

/**
 * Returns the media types in which an index may be written, best first: its own if the destination accepts it.
 *
 * @throws {ManifestsError} With code `CANNOT_MODIFY`, `COMPRESSION_NOT_SUPPORTED` or `MANIFEST_TYPE_NOT_SUPPORTED`.
 */
export function listIndexTypes(index: ParsedIndex, settings: IndexFormatOptions): string[] {
  const forced = settings.forced && toIndexType(settings.forced);
  const accepted = listAcceptedTypes(settings, INDEX_TYPES).filter(isIndexMediaType);
  const supported: readonly string[] = forced ? accepted.filter((type) => type === forced) : accepted;
  if (supported.length === 0) {
    const problem = accepted.length > 0
      ? `does not accept lists of type ${forced}`
      : 'accepts only single images: copy the image for one platform (imageListSelection "system", or copy --platform)';
    const otherWay = settings.abilities.keepsIndex ? ", or create a list in the store" : "";
    throw new ManifestsError(
      "MANIFEST_TYPE_NOT_SUPPORTED",
      `Cannot copy a list: the destination ${problem}${otherWay}`,
    );
  }
  const { fixed, marksZstd } = settings;
  const current = index.mediaType;
  if (fixed) {
    if (supported.includes(current)) return [current];
    throw cannotModify(`convert the manifest list to type ${supported[0]}`, fixed);
  }
  if (!marksZstd) return supported.toSorted((a, b) => Number(b === current) - Number(a === current));
  if (supported.includes(MEDIA_TYPES.ociIndex)) return [MEDIA_TYPES.ociIndex];
  throw new ManifestsError(
    "COMPRESSION_NOT_SUPPORTED",
    `Cannot add zstd variants to a list of type ${supported[0]}: only OCI indexes can mark them`,
  );
}

/** Returns the index type that matches an image type: Docker lists for Docker images, OCI indexes for OCI images. */
function toIndexType(imageType: string): string {
  return imageType === MEDIA_TYPES.dockerManifest || isSchema1MediaType(imageType)
    ? MEDIA_TYPES.dockerList
    : MEDIA_TYPES.ociIndex;
}

/**
 * Validates a requested manifest type and returns the type of its images: an index type selects the matching image type.
 *
 * @throws {ManifestsError} With code `MANIFEST_TYPE_NOT_SUPPORTED` if the type is unknown.
 */
export function parseManifestType(type: string): string {
  if (type === MEDIA_TYPES.ociIndex) return MEDIA_TYPES.ociManifest;
  if (type === MEDIA_TYPES.dockerList) return MEDIA_TYPES.dockerManifest;
  if ((IMAGE_TYPES as readonly string[]).includes(type)) return type;
  throw new ManifestsError(
    "MANIFEST_TYPE_NOT_SUPPORTED",
    `Cannot write manifests of type ${JSON.stringify(type)}: use one of ${[...IMAGE_TYPES, ...INDEX_TYPES].join(", ")}`,
  );
}
