import { digestOf } from "../digest.ts";
import { ManifestsError } from "../../errors/room.ts";
import { createDockerManifest, createOciManifest } from "../image_manifest.ts";
import type { Descriptor } from "../descriptor.ts";
import type { ParsedImage } from "../manifest.ts";
import { MEDIA_TYPES } from "../media_types.ts";
import { dockerLayerType, isArtifact, ociLayerType } from "./layers.ts";
import { convertToOciConfig } from "./oci_config.ts";

/** Image manifest with its configuration. */
export interface ImageWithConfig {
  /** Parsed manifest of the image. */
  readonly image: ParsedImage;
  /** Exact bytes of the configuration. */
  readonly config: Uint8Array<ArrayBuffer>;
}

/**
 * Converts an OCI image manifest to Docker version 2 schema 2. The configuration is unchanged. Annotations and the subject
 * are lost, because the Docker format has no members for them.
 *
 * @throws {ManifestsError} With code `CONVERSION_NOT_SUPPORTED` for an artifact, and for layers without a Docker media
 * type: zstd, encrypted, attestations.
 *
 * @example
 * ```ts
 * import { convertToDockerManifest, MEDIA_TYPES, type ParsedImage, parseManifest } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const config = { mediaType: MEDIA_TYPES.ociConfig, digest: `sha256:${"1".repeat(64)}`, size: 300 };
 * const oci = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config, layers: [] };
 * const image = parseManifest(new TextEncoder().encode(JSON.stringify(oci))) as ParsedImage;
 *
 * const docker = convertToDockerManifest(image);
 * assert.equal(docker.mediaType, MEDIA_TYPES.dockerManifest);
 * assert.equal(docker.config?.digest, config.digest);
 * ```
 */
export function convertToDockerManifest(image: ParsedImage): ParsedImage {
  assertImage(image, "Docker");
  const config = getConfig(image, "oci-image");
  return createDockerManifest({
    config: { ...config, mediaType: MEDIA_TYPES.dockerConfig },
    layers: image.layers.map((layer) => ({ ...layer, mediaType: dockerLayerType(layer.mediaType) })),
  });
}

/**
 * Converts a Docker image manifest, version 2 schema 2, to OCI. The configuration is converted too, so its digest changes.
 *
 * @param config Bytes of the image's configuration.
 * @throws {ManifestsError | ManifestsSyntaxError} With code `CONVERSION_NOT_SUPPORTED` for layers without an OCI media
 * type, `INVALID_JSON` for an invalid configuration.
 *
 * @example
 * ```ts
 * import { convertToOciManifest, digestOf, MEDIA_TYPES, type ParsedImage, parseManifest } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const encode = (value: object) => new TextEncoder().encode(JSON.stringify(value));
 * const bytes = encode({ os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [] } });
 * const config = { mediaType: MEDIA_TYPES.dockerConfig, digest: digestOf(bytes), size: bytes.length };
 * const docker = { schemaVersion: 2, mediaType: MEDIA_TYPES.dockerManifest, config, layers: [] };
 * const { image } = convertToOciManifest(parseManifest(encode(docker)) as ParsedImage, bytes);
 * assert.equal(image.mediaType, MEDIA_TYPES.ociManifest);
 * ```
 */
export function convertToOciManifest(image: ParsedImage, config: Uint8Array<ArrayBuffer>): ImageWithConfig {
  assertImage(image, "OCI");
  getConfig(image, "docker-image");
  const converted = convertToOciConfig(config);
  const layers = image.layers.map((layer) => ({ ...layer, mediaType: ociLayerType(layer.mediaType) }));
  return {
    image: createOciManifest({ config: describe(MEDIA_TYPES.ociConfig, converted), layers }),
    config: converted,
  };
}

/** Asserts that a manifest is an image, not an artifact. Throws `CONVERSION_NOT_SUPPORTED`. */
export function assertImage(image: ParsedImage, format: string): void {
  if (!isArtifact(image)) return;
  throw new ManifestsError(
    "CONVERSION_NOT_SUPPORTED",
    `Cannot convert a manifest to ${format}: it is ${describeArtifact(image)}, not an image`,
  );
}

/** Describes an artifact in messages, by its type. */
export function describeArtifact({ artifactType, config }: ParsedImage): string {
  const type = artifactType || config?.mediaType;
  return type ? `an artifact of type ${JSON.stringify(type)}` : "an artifact without a configuration";
}

function getConfig(image: ParsedImage, kind: ParsedImage["kind"]): Descriptor {
  if (image.kind !== kind || !image.config) {
    throw new TypeError(
      `Cannot convert a manifest: its kind must be ${kind}, with a configuration: current value is ${image.kind}`,
    );
  }
  return image.config;
}

/** Returns the descriptor of bytes with a media type. */
export function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}
