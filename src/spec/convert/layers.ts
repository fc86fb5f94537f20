import type { Descriptor } from "../descriptor.ts";
import { ManifestsError } from "../../errors/room.ts";
import type { ParsedImage } from "../manifest.ts";
import { MEDIA_TYPES } from "../media_types.ts";

/** What is done with a layer's compression, as far as its media type tells: `keep` leaves that as it is. */
export type LayerCompression = "gzip" | "zstd" | "uncompressed" | "keep";

/** The media types of one kind of layer, by compression. */
interface LayerFamily {
  readonly uncompressed: string;
  readonly gzip: string;
  /** `undefined`: Docker has no such type, or no registry and no engine takes it. */
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

/** Docker types for OCI's; zstd is missing on purpose, since nothing of Docker's reads it. */
const OCI_TO_DOCKER: ReadonlyMap<string, string> = new Map(
  [...DOCKER_TO_OCI].filter(([docker]) => !ZSTD_TYPES.includes(docker)).map(([docker, oci]) => [oci, docker]),
);

/**
 * The media type of a layer after its compression was changed (container-libs `compressionVariantMIMEType`).
 *
 * @throws {ManifestsError} With code `COMPRESSION_NOT_SUPPORTED` where the type is no layer's, or has no such variant.
 */
export function layerMediaType(mediaType: string, compression: LayerCompression): string {
  if (compression === "keep") return mediaType;
  const found = familyOf(mediaType)?.[compression];
  if (found) return found;
  const change = compression === "uncompressed" ? "decompress" : `compress with ${compression}`;
  const reason = familyOf(mediaType)
    ? `${compression} compression is not supported for type ${JSON.stringify(mediaType)}`
    : `${JSON.stringify(mediaType)} is no type of layer whose compression can change`;
  throw new ManifestsError("COMPRESSION_NOT_SUPPORTED", `Cannot ${change} a layer as ${reason}`);
}

function familyOf(mediaType: string): LayerFamily | undefined {
  return FAMILIES.find(({ uncompressed, gzip, zstd }) => [uncompressed, gzip, zstd].includes(mediaType));
}

/** Whether the compression of an image's layer may change; not in artifacts, and not where the type is not known. */
export function isChangeableLayer(image: ParsedImage, layer: Descriptor): boolean {
  // Schema 1 does not say what its layers are, so all of them are taken for tar archives.
  if (image.kind === "docker-schema1") return true;
  const family = familyOf(layer.mediaType);
  const isDocker = family === DOCKER_LAYER || family === DOCKER_FOREIGN;
  // As in Go, layers stay as they are in manifests that mix the types of OCI and Docker.
  const isMixed = image.kind === "oci-image" && image.config?.mediaType !== MEDIA_TYPES.ociConfig;
  return family !== undefined && !isArtifact(image) && !isMixed && isDocker === (image.kind === "docker-image");
}

/** Whether a layer has URLs of its own, from which it is downloaded by whoever runs the image. */
export function isForeignLayer({ mediaType, urls }: Descriptor): boolean {
  const family = familyOf(mediaType);
  return Boolean(urls?.length) && (family === OCI_NONDISTRIBUTABLE || family === DOCKER_FOREIGN);
}

/**
 * Whether a manifest describes an artifact rather than an image: it has no configuration, or, in OCI, one that is not an
 * image's. An artifact cannot be converted. Some tools write OCI manifests with a Docker configuration: these are images.
 */
export function isArtifact({ kind, config }: ParsedImage): boolean {
  if (kind === "docker-schema1") return false;
  const isConfig = config?.mediaType === MEDIA_TYPES.ociConfig || config?.mediaType === MEDIA_TYPES.dockerConfig;
  return kind === "docker-image" ? config === undefined : !isConfig;
}

/** Returns the OCI media type of a layer, which may have one already. Throws `CONVERSION_NOT_SUPPORTED`. */
export function ociLayerType(mediaType: string): string {
  if (OCI_TYPES.has(mediaType)) return mediaType;
  return DOCKER_TO_OCI.get(mediaType) ?? refuseLayer(mediaType, "OCI");
}

/** Returns the Docker media type of a layer, which may have one already. Throws `CONVERSION_NOT_SUPPORTED`. */
export function dockerLayerType(mediaType: string): string {
  if (DOCKER_TO_OCI.has(mediaType) && !ZSTD_TYPES.includes(mediaType)) return mediaType;
  return OCI_TO_DOCKER.get(mediaType) ?? refuseLayer(mediaType, "Docker");
}

/** Refuses a layer that schema 1, which has no media types, could not tell from one that everybody can read. */
export function requireSchema1Layer(mediaType: string): void {
  const known = OCI_TO_DOCKER.has(mediaType) || DOCKER_TO_OCI.has(mediaType);
  if (!known || ZSTD_TYPES.includes(mediaType)) refuseLayer(mediaType, "Docker schema 1");
}

function refuseLayer(mediaType: string, format: string): never {
  const reason = ZSTD_TYPES.includes(mediaType)
    ? "zstd compression is not supported there"
    : mediaType.endsWith("+encrypted")
    ? "encrypted layers are not supported there"
    : "that is no type of layer that has a counterpart there";
  throw new ManifestsError(
    "CONVERSION_NOT_SUPPORTED",
    `Cannot convert a layer of type ${JSON.stringify(mediaType)} to ${format} as ${reason}`,
  );
}
