import { parseJson, StructReader } from "../json/room.ts";
import type { ParsedImage } from "./manifest.ts";
import { MEDIA_TYPES } from "./media_types.ts";
import { type Platform, readPlatform } from "./platform.ts";

/** Facts about an image in its configuration. */
export interface ImageConfig {
  /** Platform that the image was built for. */
  readonly platform: Platform;
  /** Digests of the layers without compression, base first. */
  readonly diffIds: readonly string[];
}

/** Returns whether a media type is that of an image's configuration, and not that of an artifact's. */
export function isImageConfigType(mediaType: string | undefined): boolean {
  return mediaType === MEDIA_TYPES.ociConfig || mediaType === MEDIA_TYPES.dockerConfig;
}

/** Returns whether a manifest has the configuration of an image, and does not declare itself an artifact. */
export function hasImageConfig({ config, artifactType }: ParsedImage): boolean {
  return !artifactType && isImageConfigType(config?.mediaType);
}

/**
 * Parses the configuration of an image.
 *
 * @param name Name of the configuration in errors.
 * @throws {ManifestsSyntaxError} With code `INVALID_JSON` or `INVALID_MANIFEST`.
 */
export function parseImageConfig(bytes: Uint8Array<ArrayBuffer>, name: string): ImageConfig {
  const from = new StructReader(parseJson(bytes, name).value, name);
  return { platform: readPlatform(from), diffIds: from.struct("rootfs")?.strings("diff_ids") ?? [] };
}
