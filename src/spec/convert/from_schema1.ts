import { encodeUtf8 } from "../../internal/room.ts";
import type { Descriptor } from "../descriptor.ts";
import type { Digest } from "../digest.ts";
import { createDockerManifest } from "../image_manifest.ts";
import {
  encodeGoJson,
  type GoJsonValue,
  nonEmpty,
  parseJson,
  rawMembers,
  sortedMap,
  StructReader,
} from "../../json/room.ts";
import type { ParsedImage } from "../manifest.ts";
import { MEDIA_TYPES } from "../media_types.ts";
import { describe, type ImageWithConfig } from "./docker_oci.ts";
import { completeOldConfig, isOldDocker } from "./old_docker_config.ts";
import { type ReadSchema1, readSchema1, type ReadSchema1Entry, type Schema1Step } from "./schema1.ts";

/** Options for {@linkcode convertFromSchema1}. */
export interface ConvertFromSchema1Options {
  /**
   * Layers as they are at the destination, in the order of `image.layers`, with their sizes, which schema 1 lacks and
   * schema 2 requires. Layers for which {@linkcode schema1EmptyLayers} returns `true` are ignored.
   */
  layers: readonly Descriptor[];
}

/** Members of an image's JSON in schema 1 that the configuration in schema 2 does not have. */
const DROPPED_MEMBERS = ["id", "parent", "parent_id", "layer_id", "throwaway", "Size"];

/**
 * Returns, for each layer in `image.layers` of a schema 1 image, whether schema 2 drops it: layers that are empty, and
 * layers that repeat the id of another one. These layers need not be copied, and their diff ids are not needed.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_MANIFEST` if the history is not a chain of ids and parents,
 * `INVALID_JSON` if its JSON is invalid.
 */
export function schema1EmptyLayers(image: ParsedImage): readonly boolean[] {
  const needed = new Set(listNeeded(readSchema1(image)).map(({ layer }) => layer));
  return image.layers.map((_, i) => !needed.has(i));
}

/**
 * Converts a schema 1 image to Docker version 2 schema 2. The JSON of the newest step becomes the configuration.
 *
 * @param diffIds Digests of the uncompressed layers, in the order of `image.layers`; `undefined` for layers for which
 * {@linkcode schema1EmptyLayers} returns `true`.
 * @throws {ManifestsSyntaxError} With code `INVALID_MANIFEST` if the history is not a chain of ids and parents,
 * `INVALID_JSON` if its JSON is invalid.
 */
export function convertFromSchema1(
  image: ParsedImage,
  diffIds: readonly (Digest | undefined)[],
  options: ConvertFromSchema1Options,
): ImageWithConfig {
  const manifest = readSchema1(image);
  const { layers } = options;
  if (diffIds.length !== image.layers.length || layers.length !== image.layers.length) {
    throw new TypeError(
      `Cannot convert a schema 1 image of ${image.layers.length} layers: got ${diffIds.length} diff ids and ` +
        `${layers.length} descriptors`,
    );
  }
  const needed = listNeeded(manifest).toReversed();
  const config = createConfig(
    manifest,
    needed.map(({ layer, blobSum }) => diffIds[layer] ?? failMissingDiffId(blobSum)),
  );
  const parts = {
    config: describe(MEDIA_TYPES.dockerConfig, config),
    layers: needed.map(({ layer }) => layers[layer]!),
  };
  return { image: createDockerManifest(parts), config };
}

function listNeeded(manifest: ReadSchema1): ReadSchema1Entry[] {
  return manifest.entries.filter(({ throwaway }) => !throwaway);
}

function failMissingDiffId(layer: Digest): never {
  throw new TypeError(`Cannot convert a schema 1 image: the diff id of layer ${layer} is missing`);
}

function createConfig({ entries }: ReadSchema1, diffIds: readonly Digest[]): Uint8Array<ArrayBuffer> {
  const members = new Map<string, GoJsonValue>(configMembers(entries[0]!.v1Compatibility));
  for (const name of DROPPED_MEMBERS) members.delete(name);
  members.set(
    "rootfs",
    new Map<string, GoJsonValue | undefined>([["type", "layers"], ["diff_ids", nonEmpty(diffIds)]]),
  );
  members.set("history", entries.toReversed().map(historyJson));
  return encodeGoJson(sortedMap(members)!);
}

function configMembers(v1Compatibility: string): ReadonlyMap<string, GoJsonValue> {
  const what = "history[0] of schema 1 manifest";
  const from = new StructReader(parseJson(encodeUtf8(v1Compatibility), what).value, what);
  return isOldDocker(from) ? completeOldConfig(from) : rawMembers(v1Compatibility, what);
}

function historyJson(step: Schema1Step): GoJsonValue {
  return new Map<string, GoJsonValue | undefined>([
    ["created", step.created],
    ["author", nonEmpty(step.author)],
    ["created_by", nonEmpty(step.createdBy)],
    ["comment", nonEmpty(step.comment)],
    ["empty_layer", step.throwaway || undefined],
  ]);
}
