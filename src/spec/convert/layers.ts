import type { Descriptor } from "../descriptor.ts";
import { ManifestsError } from "../../errors/room.ts";
import { isImageConfigType } from "../image_config.ts";
import type { ParsedImage } from "../manifest.ts";
import { MEDIA_TYPES } from "../media_types.ts";

/** Compression of a layer after a change, as its media type states it; `keep` leaves the media type unchanged. */
export type LayerCompression = "gzip" | "zstd" | "uncompressed" | "keep";

/** Media types of one kind of layer, by compression. */
interface LayerFamily {
  readonly uncompressed: string;
  readonly gzip: string;
  /** `undefined` for Docker, whose zstd type no registry and no engine supports. */
  readonly zstd?: string;
}

const OCI_LAYER: LayerFamily = {
  uncompressed: MEDIA_TYPES.ociLayer,
  gzip: MEDIA_TYPES.ociLayerGzip,
  zstd: MEDIA_TYPES.ociLayerZstd,
};
const OCI_NONDISTRIBUTABLE: LayerFamily = {
  uncompressed: MEDIA_TYPES.ociNondistributableLayer,
  gzip: MEDIA_TYPES.ociNondistributableLayerGzip,
  zstd: MEDIA_TYPES.ociNondistributableLayerZstd,
};
const DOCKER_LAYER: LayerFamily = { uncompressed: MEDIA_TYPES.dockerLayer, gzip: MEDIA_TYPES.dockerLayerGzip };
const DOCKER_FOREIGN: LayerFamily = {
  uncompressed: MEDIA_TYPES.dockerForeignLayer,
  gzip: MEDIA_TYPES.dockerForeignLayerGzip,
};
const FAMILIES: readonly LayerFamily[] = [OCI_LAYER, OCI_NONDISTRIBUTABLE, DOCKER_LAYER, DOCKER_FOREIGN];

const DOCKER_TO_OCI: ReadonlyMap<string, string> = new Map<string, string>([
  [MEDIA_TYPES.dockerLayer, MEDIA_TYPES.ociLayer],
  [MEDIA_TYPES.dockerLayerGzip, MEDIA_TYPES.ociLayerGzip],
  [MEDIA_TYPES.dockerLayerZstd, MEDIA_TYPES.ociLayerZstd],
  [MEDIA_TYPES.dockerForeignLayer, MEDIA_TYPES.ociNondistributableLayer],
  [MEDIA_TYPES.dockerForeignLayerGzip, MEDIA_TYPES.ociNondistributableLayerGzip],
]);

const ZSTD_TYPES: readonly string[] = [
  MEDIA_TYPES.ociLayerZstd,
  MEDIA_TYPES.ociNondistributableLayerZstd,
  MEDIA_TYPES.dockerLayerZstd,
];

const OCI_TYPES: ReadonlySet<string> = new Set(
  [OCI_LAYER, OCI_NONDISTRIBUTABLE].flatMap(({ uncompressed, gzip, zstd = gzip }) => [uncompressed, gzip, zstd]),
);

/** Docker types of OCI types. zstd is missing on purpose, because Docker does not read the type. */
const OCI_TO_DOCKER: ReadonlyMap<string, string> = new Map(
  [...DOCKER_TO_OCI].filter(([docker]) => !ZSTD_TYPES.includes(docker)).map(([docker, oci]) => [oci, docker]),
);

/**
 * Returns the media type of a layer after a change of compression (container-libs `compressionVariantMIMEType`).
 *
 * @throws {ManifestsError} With code `COMPRESSION_NOT_SUPPORTED` if the type is not that of a layer, or has no variant
 * for the compression.
 */
export function layerMediaType(mediaType: string, compression: LayerCompression): string {
  if (compression === "keep") return mediaType;
  const found = findFamily(mediaType)?.[compression];
  if (found) return found;
  const change = compression === "uncompressed" ? "decompress" : `compress with ${compression}`;
  const reason = findFamily(mediaType)
    ? `${compression} compression is not supported for type ${JSON.stringify(mediaType)}`
    : `the compression of media type ${JSON.stringify(mediaType)} cannot change`;
  throw new ManifestsError("COMPRESSION_NOT_SUPPORTED", `Cannot ${change} a layer: ${reason}`);
}

function findFamily(mediaType: string): LayerFamily | undefined {
  return FAMILIES.find(({ uncompressed, gzip, zstd }) => [uncompressed, gzip, zstd].includes(mediaType));
}

/** Returns whether the compression of a layer may change: not in artifacts, and not if its type is unknown. */
export function isChangeableLayer(image: ParsedImage, layer: Descriptor): boolean {
  // Schema 1 has no media types for layers: all of them are tar archives.
  if (image.kind === "docker-schema1") return true;
  const family = findFamily(layer.mediaType);
  const isDocker = family === DOCKER_LAYER || family === DOCKER_FOREIGN;
  // As in Go, layers are unchanged in manifests that mix media types of OCI and Docker.
  const isMixed = image.kind === "oci-image" && image.config?.mediaType !== MEDIA_TYPES.ociConfig;
  return family !== undefined && !isArtifact(image) && !isMixed && isDocker === (image.kind === "docker-image");
}

/** Returns whether a layer is foreign: engines download it from its own URLs, not from the registry. */
export function isForeignLayer({ mediaType, urls }: Descriptor): boolean {
  const family = findFamily(mediaType);
  return Boolean(urls?.length) && (family === OCI_NONDISTRIBUTABLE || family === DOCKER_FOREIGN);
}

/**
 * Returns whether a manifest describes an artifact: it has no configuration, or, in OCI, a configuration of another type
 * than that of an image. Artifacts cannot be converted. OCI manifests with a Docker configuration, which some tools
 * write, are images.
 */
export function isArtifact({ kind, config }: ParsedImage): boolean {
  if (kind === "docker-schema1") return false;
  return kind === "docker-image" ? config === undefined : !isImageConfigType(config?.mediaType);
}

/** Converts the media type of a layer to OCI, if it is not OCI already. Throws `CONVERSION_NOT_SUPPORTED`. */
export function ociLayerType(mediaType: string): string {
  if (OCI_TYPES.has(mediaType)) return mediaType;
  return DOCKER_TO_OCI.get(mediaType) ?? failLayer(mediaType, "OCI");
}

/** Converts the media type of a layer to Docker, if it is not Docker already. Throws `CONVERSION_NOT_SUPPORTED`. */
export function dockerLayerType(mediaType: string): string {
  if (DOCKER_TO_OCI.has(mediaType) && !ZSTD_TYPES.includes(mediaType)) return mediaType;
  return OCI_TO_DOCKER.get(mediaType) ?? failLayer(mediaType, "Docker");
}

/** Asserts that every tool can read a layer: schema 1 has no media types to tell otherwise. Throws `CONVERSION_NOT_SUPPORTED`. */
export function assertSchema1Layer(mediaType: string): void {
  const known = OCI_TO_DOCKER.has(mediaType) || DOCKER_TO_OCI.has(mediaType);
  if (!known || ZSTD_TYPES.includes(mediaType)) failLayer(mediaType, "Docker schema 1");
}

function failLayer(mediaType: string, format: string): never {
  const reason = ZSTD_TYPES.includes(mediaType)
    ? `${format} does not support zstd compression`
    : mediaType.endsWith("+encrypted")
    ? `${format} does not support encrypted layers`
    : mediaType === "application/vnd.in-toto+json"
    ? `${format} does not have attestations; compose and copy leave them out with --no-attestations (attestations: false)`
    : `${format} does not have a corresponding layer type`;
  throw new ManifestsError(
    "CONVERSION_NOT_SUPPORTED",
    `Cannot convert a layer of type ${JSON.stringify(mediaType)} to ${format}: ${reason}`,
  );
}
