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
   * The layers as they are at the destination, as many as `image.layers` and in that order: schema 1 knows no sizes,
   * and schema 2 needs them. Those that {@linkcode schema1EmptyLayers} tells to be of no need are not looked at.
   */
  layers: readonly Descriptor[];
}

/** What schema 1 has in an image's JSON, and schema 2 elsewhere or not at all. */
const DROPPED_MEMBERS = ["id", "parent", "parent_id", "layer_id", "throwaway", "Size"];

/**
 * Which layers of a schema 1 image, by their place in `image.layers`, have no place in schema 2: those that are empty,
 * and those that repeat another's id. They need no digest without compression, and need not be copied.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_MANIFEST` where the history is no chain of ids and parents,
 * `INVALID_JSON` where it cannot be read.
 */
export function schema1EmptyLayers(image: ParsedImage): readonly boolean[] {
  const needed = new Set(neededEntries(readSchema1(image)).map(({ layer }) => layer));
  return image.layers.map((_, i) => !needed.has(i));
}

/**
 * A schema 1 image as Docker's version 2 schema 2. The newest step's JSON becomes the configuration.
 *
 * @param diffIds The digests of the layers without compression, by their place in `image.layers`; `undefined` for those
 * that {@linkcode schema1EmptyLayers} tells to be of no need.
 * @throws {ManifestsSyntaxError} With code `INVALID_MANIFEST` where the history is no chain of ids and parents,
 * `INVALID_JSON` where it cannot be read.
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
      `Cannot convert a schema 1 image of ${image.layers.length} layers as the digests of ${diffIds.length} and the ` +
        `descriptors of ${layers.length} were given`,
    );
  }
  const needed = neededEntries(manifest).toReversed();
  const config = createConfig(manifest, needed.map(({ layer, blobSum }) => diffIds[layer] ?? refuseDiffId(blobSum)));
  const parts = {
    config: describe(MEDIA_TYPES.dockerConfig, config),
    layers: needed.map(({ layer }) => layers[layer]!),
  };
  return { image: createDockerManifest(parts), config };
}

function neededEntries(manifest: ReadSchema1): ReadSchema1Entry[] {
  return manifest.entries.filter(({ throwaway }) => !throwaway);
}

function refuseDiffId(layer: Digest): never {
  throw new TypeError(`Cannot convert a schema 1 image as the digest of layer ${layer} without compression is missing`);
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
