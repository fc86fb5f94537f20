import assert from "node:assert/strict";
import {
  type Descriptor,
  digestOf,
  isIndex,
  MEDIA_TYPES,
  type ParsedImage,
  parseManifest,
} from "../../src/spec/room.ts";

const T = MEDIA_TYPES;

/** Bytes of text, or of a value as JSON. */
export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

/** Bytes as text. */
export function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Parses the manifest of a single image. */
export function parseImage(value: unknown): ParsedImage {
  const parsed = parseManifest(encode(value));
  assert.ok(!isIndex(parsed));
  return parsed;
}

/** Describes content. */
export function layer(mediaType: string, content: string): Descriptor {
  return { mediaType, digest: digestOf(encode(content)), size: content.length };
}

/** A manifest that names layers. */
export function makeManifest(
  type: "oci" | "docker",
  options: { layers?: Descriptor[]; configType?: string } = {},
): ParsedImage {
  const { layers = [], configType = type === "oci" ? T.ociConfig : T.dockerConfig } = options;
  const mediaType = type === "oci" ? T.ociManifest : T.dockerManifest;
  return parseImage({ schemaVersion: 2, mediaType, config: layer(configType, "config"), layers });
}
