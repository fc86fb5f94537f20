import type { DestinationAbilities } from "../image/room.ts";
import {
  describeArtifact,
  isArtifact,
  isIndexMediaType,
  isSchema1MediaType,
  ManifestsError,
  MEDIA_TYPES,
  type ParsedImage,
  type ParsedIndex,
} from "../spec/room.ts";
import { type Algorithm, baseAlgorithm } from "./recoding/mod.ts";

/** What decides the types in which manifests may be written. */
export interface FormatOptions {
  /** What the destination accepts. */
  readonly abilities: Pick<DestinationAbilities, "manifestTypes" | "preservedManifestTypes">;
  /** The only type that the caller wants, for single images. */
  readonly forced?: string | undefined;
  /** Why nothing may change, where that is so. */
  readonly fixed?: string | undefined;
}

/** Every type of image manifest, the oldest last: it is what nobody should end with. */
const IMAGE_TYPES = [
  MEDIA_TYPES.dockerManifest,
  MEDIA_TYPES.ociManifest,
  MEDIA_TYPES.dockerSchema1Signed,
  MEDIA_TYPES.dockerSchema1,
];

const INDEX_TYPES = [MEDIA_TYPES.dockerList, MEDIA_TYPES.ociIndex];

/**
 * The types in which an image's manifest may be written, best first: its own, if the destination takes that. The later
 * ones are for destinations that refuse what they said they take (copy/manifest.go `determineManifestConversion`).
 *
 * @param algorithm The compression that layers will get.
 * @throws {ManifestsError} With code `CANNOT_MODIFY`, `COMPRESSION_NOT_SUPPORTED`, `CONVERSION_NOT_SUPPORTED` or
 * `MANIFEST_TYPE_NOT_SUPPORTED`.
 */
export function imageTypes(image: ParsedImage, settings: FormatOptions, algorithm?: Algorithm): string[] {
  const { forced, fixed } = settings;
  const own = image.mediaType;
  const accepted = acceptedTypes(settings, IMAGE_TYPES).filter((type) => !isIndexMediaType(type));
  const supported = forced ? accepted.filter((type) => type === forced) : accepted;
  if (forced && supported.length === 0) throw typeNotSupported(forced, accepted);
  if (fixed) {
    if (supported.includes(own)) return [own];
    throw cannotModify(`write manifest of type ${own} as ${supported.join(" or ")}`, fixed);
  }
  if (isArtifact(image) && !supported.includes(own)) {
    throw new ManifestsError(
      "CONVERSION_NOT_SUPPORTED",
      `Cannot write ${describeArtifact(image)} as ${supported.join(" or ")}: only images can be converted`,
    );
  }
  if (isArtifact(image)) return [own];
  // Docker's formats have no media type for zstd.
  const zstd = algorithm !== undefined && baseAlgorithm(algorithm) === "zstd";
  const expressible = zstd ? supported.filter((type) => type === MEDIA_TYPES.ociManifest) : supported;
  if (expressible.length === 0) throw inexpressible(algorithm, forced, supported);
  const known = IMAGE_TYPES.filter((type) => expressible.includes(type));
  if (known.length === 0) throw typeNotSupported(own, supported);
  return known.toSorted((a, b) => Number(b === own) - Number(a === own));
}

/** The types in which the destination accepts a manifest; any of `all` if it names none. */
function acceptedTypes({ abilities, fixed }: FormatOptions, all: readonly string[]): readonly string[] {
  const { manifestTypes, preservedManifestTypes = [] } = abilities;
  if (manifestTypes.length === 0) return all;
  return fixed ? [...manifestTypes, ...preservedManifestTypes] : manifestTypes;
}

function inexpressible(algorithm: Algorithm | undefined, forced: string | undefined, supported: readonly string[]) {
  if (algorithm === undefined) return typeNotSupported("any", supported);
  const place = forced ? `format ${forced}` : `a destination that takes only ${supported.join(", ")}`;
  return new ManifestsError(
    "COMPRESSION_NOT_SUPPORTED",
    `Cannot use compression ${algorithm} together with ${place} as that does not support it`,
  );
}

function typeNotSupported(own: string, supported: readonly string[]): ManifestsError {
  return new ManifestsError(
    "MANIFEST_TYPE_NOT_SUPPORTED",
    `Cannot copy a manifest of type ${own} as the destination takes only ${supported.join(", ") || "others"}`,
  );
}

/** The error of a change that would be needed, but is not allowed. */
export function cannotModify(what: string, reason: string): ManifestsError {
  return new ManifestsError("CANNOT_MODIFY", `Cannot ${what} as that would change it, which is not allowed: ${reason}`);
}

/** Options for {@linkcode indexTypes}. */
export interface IndexFormatOptions extends FormatOptions {
  /** Whether some instance will be marked as compressed with zstd, which only OCI can. */
  readonly marksZstd: boolean;
}

/**
 * The types in which an index may be written, best first: its own, if the destination takes that.
 *
 * @throws {ManifestsError} With code `CANNOT_MODIFY`, `COMPRESSION_NOT_SUPPORTED` or `MANIFEST_TYPE_NOT_SUPPORTED`.
 */
export function indexTypes(index: ParsedIndex, settings: IndexFormatOptions): string[] {
  const forced = settings.forced && indexTypeFor(settings.forced);
  const accepted = acceptedTypes(settings, INDEX_TYPES).filter(isIndexMediaType);
  const supported: readonly string[] = forced ? accepted.filter((type) => type === forced) : accepted;
  if (supported.length === 0) {
    throw new ManifestsError(
      "MANIFEST_TYPE_NOT_SUPPORTED",
      `Cannot copy a list as the destination takes ${
        forced && accepted.length > 0 ? `no list of type ${forced}` : "only single images"
      }`,
    );
  }
  const { fixed, marksZstd } = settings;
  const own = index.mediaType;
  if (fixed) {
    if (supported.includes(own)) return [own];
    throw cannotModify(`convert the manifest list to type ${supported[0]}`, fixed);
  }
  if (!marksZstd) return supported.toSorted((a, b) => Number(b === own) - Number(a === own));
  if (supported.includes(MEDIA_TYPES.ociIndex)) return [MEDIA_TYPES.ociIndex];
  throw new ManifestsError(
    "COMPRESSION_NOT_SUPPORTED",
    `Cannot add zstd variants to a list of type ${supported[0]} as it has no place to mark them`,
  );
}

/** The type of an index whose instances have a type: Docker's for Docker's, OCI's for OCI's. */
function indexTypeFor(imageType: string): string {
  return imageType === MEDIA_TYPES.dockerManifest || isSchema1MediaType(imageType)
    ? MEDIA_TYPES.dockerList
    : MEDIA_TYPES.ociIndex;
}

/**
 * The type of single images that a wish for a type of manifest means: that of a list stands for its instances.
 *
 * @throws {ManifestsError} With code `MANIFEST_TYPE_NOT_SUPPORTED`.
 */
export function parseManifestType(type: string): string {
  if (type === MEDIA_TYPES.ociIndex) return MEDIA_TYPES.ociManifest;
  if (type === MEDIA_TYPES.dockerList) return MEDIA_TYPES.dockerManifest;
  if ((IMAGE_TYPES as readonly string[]).includes(type)) return type;
  throw new ManifestsError(
    "MANIFEST_TYPE_NOT_SUPPORTED",
    `Cannot write manifests of type ${JSON.stringify(type)} as it is none of ${
      [...IMAGE_TYPES, ...INDEX_TYPES].join(", ")
    }`,
  );
}
