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
import { requireImage } from "./docker_oci.ts";
import { EMPTY_GZIP_LAYER } from "./empty_layer.ts";
import { requireSchema1Layer } from "./layers.ts";
import { createSchema1, type Schema1Entry, type Schema1Step } from "./schema1.ts";

/** Options for {@linkcode convertToSchema1}. */
export interface ConvertToSchema1Options {
  /** Path of the repository where the image goes; empty where that is none. */
  name: string;
  /** Tag under which it goes there; empty where there is none. */
  tag: string;
  /** The layers as they are at the destination, as many as the image's; default: the image's own. */
  layers?: readonly Descriptor[] | undefined;
  /** When the manifest is signed; default: now. */
  time?: Date | undefined;
}

/** What schema 1 wants of a configuration. */
interface Configuration {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly architecture: string;
  /** The steps, oldest first. */
  readonly history: readonly Omit<Schema1Step, "id" | "parent">[];
}

/**
 * An image, of Docker's version 2 schema 2 or of OCI's, as Docker's schema 1, signed with a key that is thrown away.
 * For each step that changed no files the result names {@linkcode EMPTY_GZIP_LAYER}, which must then be at the
 * destination. There is no configuration to be written: it is inside.
 *
 * @param image The image at its source: its layers make the ids of the history, whatever becomes of them on the way.
 * @param config The bytes of its configuration.
 * @throws {ManifestsError | ManifestsSyntaxError} With code `CONVERSION_NOT_SUPPORTED` for artifacts, images without
 * history and layers that only OCI has, `INVALID_MANIFEST` where history and layers do not fit, `INVALID_JSON` for a
 * configuration that cannot be read.
 */
export async function convertToSchema1(
  image: ParsedImage,
  config: Uint8Array<ArrayBuffer>,
  options: ConvertToSchema1Options,
): Promise<ParsedImage> {
  const { name, tag, layers = image.layers, time } = options;
  if (image.kind === "docker-schema1") {
    throw new TypeError("Cannot convert a manifest to schema 1 as it is that already");
  }
  if (layers.length !== image.layers.length) {
    throw new TypeError(
      `Cannot convert an image of ${image.layers.length} layers as ${layers.length} others were given`,
    );
  }
  requireImage(image, "Docker schema 1");
  for (const { mediaType } of layers) requireSchema1Layer(mediaType);
  const configuration = readConfiguration(config);
  const atSource = blobOfEachStep(configuration, image.layers);
  const atDestination = blobOfEachStep(configuration, layers);
  const entries = historyOf(configuration, atSource).map((v1Compatibility, i): Schema1Entry => ({
    blobSum: atDestination[i]!,
    v1Compatibility,
  }));
  const { architecture } = configuration;
  return await createSchema1({ name, tag, architecture, entries: entries.toReversed() }, time);
}

function readConfiguration(bytes: Uint8Array<ArrayBuffer>): Configuration {
  const from = new StructReader(parseJson(bytes, "configuration").value, "configuration");
  // It is copied as it stands, and who reads schema 1 refuses a time that is none.
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
      "Cannot convert an image to Docker schema 1 as its configuration has no history",
    );
  }
  return { bytes, architecture: from.string("architecture") ?? "", history };
}

/** The digest of the layer of each step, oldest first. */
function blobOfEachStep({ history }: Configuration, layers: readonly Descriptor[]): Digest[] {
  const needed = history.filter(({ throwaway }) => !throwaway).length;
  if (needed !== layers.length) {
    // With fewer steps than layers Go goes on and loses layers.
    throw new ManifestsSyntaxError(
      "INVALID_MANIFEST",
      `Cannot convert an image to Docker schema 1 as its history needs ${needed} layers, but it has ${layers.length}`,
    );
  }
  const left = layers.values();
  return history.map(({ throwaway }) => (throwaway ? EMPTY_GZIP_LAYER.descriptor : left.next().value!).digest);
}

/**
 * The JSON of each step, oldest first. Ids are what Docker makes of them: a hash over the layer, the parent's id and,
 * for the newest, which has the configuration inside, that configuration.
 */
function historyOf({ history, bytes }: Configuration, blobs: readonly Digest[]): string[] {
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

/** The configuration as it stands, but for what schema 1 says elsewhere. */
function newestJson(config: Uint8Array, { id, parent, throwaway }: Schema1Step): string {
  const members = new Map<string, GoJsonValue>(rawMembers(config, "configuration"));
  members.delete("rootfs");
  members.delete("history");
  members.set("id", id);
  if (parent) members.set("parent", parent);
  if (throwaway) members.set("throwaway", true);
  return encodeGoJsonText(sortedMap(members)!);
}
