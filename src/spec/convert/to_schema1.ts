import { concatBytes, encodeUtf8 } from "../../internal/room.ts";
import type { Descriptor } from "../descriptor.ts";
import { type Digest, digestHex, digestOf } from "../digest.ts";
import { ManifestsError, ManifestsSyntaxError } from "../../errors/room.ts";
import {
  encodeGoJsonText,
  type GoJsonValue,
  nonEmpty,
  parseJson,
  rawMembers,
  readTime,
  sortedMap,
  StructReader,
  ZERO_TIME,
} from "../../json/room.ts";
import type { ParsedImage } from "../manifest.ts";
import { assertImage } from "./docker_oci.ts";
import { EMPTY_GZIP_LAYER } from "./empty_layer.ts";
import { assertSchema1Layer } from "./layers.ts";
import { createSchema1, type Schema1Entry, type Schema1Step } from "./schema1.ts";

/** Options for {@linkcode convertToSchema1}. */
export interface ConvertToSchema1Options {
  /** Path of the destination repository; empty if the destination is not a repository. */
  name: string;
  /** Destination tag; empty if there is none. */
  tag: string;
  /** Layers as they are at the destination, in the order of the image's. Default: the image's layers. */
  layers?: readonly Descriptor[] | undefined;
  /** Time of the signature. Default: now. */
  time?: Date | undefined;
}

/** Parts of a configuration that schema 1 needs. */
interface Configuration {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly architecture: string;
  /** Steps of the history, oldest first. */
  readonly history: readonly Omit<Schema1Step, "id" | "parent">[];
}

/**
 * Converts an image, in OCI format or Docker version 2 schema 2, to Docker schema 1, signed with a temporary key. For
 * each step that changed no files, the result names {@linkcode EMPTY_GZIP_LAYER}, which must exist at the destination.
 * The configuration is part of the manifest and need not be written.
 *
 * @param image Image at its source. Its layers determine the ids of the history, even if the copy recompresses them.
 * @param config Bytes of its configuration.
 * @throws {ManifestsError | ManifestsSyntaxError} With code `CONVERSION_NOT_SUPPORTED` for artifacts, images without
 * history and layer types that only OCI has, `INVALID_MANIFEST` if the history does not match the layers, `INVALID_JSON`
 * for an invalid configuration.
 */
export async function convertToSchema1(
  image: ParsedImage,
  config: Uint8Array<ArrayBuffer>,
  options: ConvertToSchema1Options,
): Promise<ParsedImage> {
  const { name, tag, layers = image.layers, time } = options;
  if (image.kind === "docker-schema1") {
    throw new TypeError("Cannot convert a manifest to schema 1: it is already schema 1");
  }
  if (layers.length !== image.layers.length) {
    throw new TypeError(
      `Cannot convert an image of ${image.layers.length} layers with ${layers.length} others: the numbers must be equal`,
    );
  }
  assertImage(image, "Docker schema 1");
  for (const { mediaType } of layers) assertSchema1Layer(mediaType);
  const configuration = readConfiguration(config);
  const atSource = listBlobs(configuration, image.layers);
  const atDestination = listBlobs(configuration, layers);
  const entries = createHistory(configuration, atSource).map((v1Compatibility, i): Schema1Entry => ({
    blobSum: atDestination[i]!,
    v1Compatibility,
  }));
  const { architecture } = configuration;
  return await createSchema1({ name, tag, architecture, entries: entries.toReversed() }, time);
}

function readConfiguration(bytes: Uint8Array<ArrayBuffer>): Configuration {
  const from = new StructReader(parseJson(bytes, "configuration").value, "configuration");
  // The text is copied unchanged, and readers of schema 1 reject an invalid time: fail here instead.
  readTime(from, "created");
  const history = (from.structs("history") ?? []).map((step) => ({
    created: readTime(step, "created") ?? ZERO_TIME,
    createdBy: step.string("created_by") ?? "",
    author: step.string("author") ?? "",
    comment: step.string("comment") ?? "",
    throwaway: step.boolean("empty_layer") ?? false,
  }));
  if (history.length === 0) {
    throw new ManifestsError(
      "CONVERSION_NOT_SUPPORTED",
      "Cannot convert an image to Docker schema 1: its configuration has no history",
    );
  }
  return { bytes, architecture: from.string("architecture") ?? "", history };
}

/** Lists the digest of the layer of each step, oldest first. */
function listBlobs({ history }: Configuration, layers: readonly Descriptor[]): Digest[] {
  const needed = history.filter(({ throwaway }) => !throwaway).length;
  if (needed !== layers.length) {
    // Go does not check for fewer steps than layers, and loses the other layers.
    throw new ManifestsSyntaxError(
      "INVALID_MANIFEST",
      `Cannot convert an image to Docker schema 1: its history requires ${needed} layers, but it has ${layers.length}`,
    );
  }
  const left = layers.values();
  return history.map(({ throwaway }) => (throwaway ? EMPTY_GZIP_LAYER.descriptor : left.next().value!).digest);
}

/**
 * Creates the JSON of each step, oldest first. Ids are computed as Docker does: a hash over the digest of the layer, the
 * id of the parent and, for the newest step, the configuration.
 */
function createHistory({ history, bytes }: Configuration, blobs: readonly Digest[]): string[] {
  let parent = "";
  return history.map((step, i) => {
    const isNewest = i === history.length - 1;
    const text = encodeUtf8(`${digestHex(blobs[i]!)} ${parent}${isNewest ? " " : ""}`);
    const id = digestHex(digestOf(isNewest ? concatBytes([text, bytes]) : text));
    const json = isNewest ? newestJson(bytes, { ...step, id, parent }) : stepJson({ ...step, id, parent });
    parent = id;
    return json;
  });
}

function stepJson(step: Schema1Step): string {
  return encodeGoJsonText(
    new Map<string, GoJsonValue | undefined>([
      ["id", step.id],
      ["parent", nonEmpty(step.parent)],
      ["comment", nonEmpty(step.comment)],
      ["created", step.created],
      ["container_config", new Map([["Cmd", [step.createdBy]]])],
      ["author", nonEmpty(step.author)],
      ["throwaway", step.throwaway || undefined],
    ]),
  );
}

/** Encodes the newest step: the configuration, without the members that schema 1 has elsewhere. */
function newestJson(config: Uint8Array, { id, parent, throwaway }: Schema1Step): string {
  const members = new Map<string, GoJsonValue>(rawMembers(config, "configuration"));
  members.delete("rootfs");
  members.delete("history");
  members.set("id", id);
  if (parent) members.set("parent", parent);
  if (throwaway) members.set("throwaway", true);
  return encodeGoJsonText(sortedMap(members)!);
}
