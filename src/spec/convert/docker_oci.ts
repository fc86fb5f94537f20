import { digestOf } from "../digest.ts";
import { ManifestsError } from "../../errors/room.ts";
import { createDockerManifest, createOciManifest } from "../image_manifest.ts";
import type { Descriptor } from "../descriptor.ts";
import type { ParsedImage } from "../manifest.ts";
import { MEDIA_TYPES } from "../media_types.ts";
import { dockerLayerType, isArtifact, ociLayerType } from "./layers.ts";
import { convertToOciConfig } from "./oci_config.ts";

/** An image and the configuration that it names. */
export interface ImageWithConfig {
  /** The manifest. */
  readonly image: ParsedImage;
  /** The configuration's exact bytes. */
  readonly config: Uint8Array<ArrayBuffer>;
}

/**
 * An OCI image as Docker's, version 2 schema 2. The configuration's bytes stay as they are; annotations and subject
 * have no place there and are lost.
 *
 * @throws {ManifestsError} With code `CONVERSION_NOT_SUPPORTED` for an artifact, and for layers that Docker has no type
 * for: zstd, encrypted, attestations.
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
  requireImage(image, "Docker");
  const config = requireConfig(image, "oci-image");
  return createDockerManifest({
    config: { ...config, mediaType: MEDIA_TYPES.dockerConfig },
    layers: image.layers.map((layer) => ({ ...layer, mediaType: dockerLayerType(layer.mediaType) })),
  });
}

/**
 * A Docker image, version 2 schema 2, as OCI's. The configuration is written anew, and so has another digest.
 *
 * @param config The bytes of the image's configuration.
 * @throws {ManifestsError | ManifestsSyntaxError} With code `CONVERSION_NOT_SUPPORTED` for layers that OCI has no type
 * for, `INVALID_JSON` for a configuration that cannot be read.
 */
export function convertToOciManifest(image: ParsedImage, config: Uint8Array<ArrayBuffer>): ImageWithConfig {
  requireImage(image, "OCI");
  requireConfig(image, "docker-image");
  const converted = convertToOciConfig(config);
  const layers = image.layers.map((layer) => ({ ...layer, mediaType: ociLayerType(layer.mediaType) }));
  return {
    image: createOciManifest({ config: describe(MEDIA_TYPES.ociConfig, converted), layers }),
    config: converted,
  };
}

/** Refuses artifacts. */
export function requireImage(image: ParsedImage, format: string): void {
  if (!isArtifact(image)) return;
  throw new ManifestsError(
    "CONVERSION_NOT_SUPPORTED",
    `Cannot convert a manifest to ${format}: it is ${describeArtifact(image)}, not an image`,
  );
}

/** Names an artifact in messages. */
export function describeArtifact({ artifactType, config }: ParsedImage): string {
  const type = artifactType || config?.mediaType;
  return type ? `an artifact of type ${JSON.stringify(type)}` : "an artifact without a configuration";
}

function requireConfig(image: ParsedImage, kind: ParsedImage["kind"]): Descriptor {
  if (image.kind !== kind || !image.config) {
    throw new TypeError(`Cannot convert a manifest as its kind must be ${kind}: current value is ${image.kind}`);
  }
  return image.config;
}

/** The descriptor of bytes. */
export function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}
