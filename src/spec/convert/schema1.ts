import type { Digest } from "../digest.ts";
import { ManifestsSyntaxError } from "../../errors/room.ts";
import { encodeUtf8 } from "../../internal/room.ts";
import { encodeGoJson, type GoJsonValue, parseJson, readTime, StructReader, ZERO_TIME } from "../../json/room.ts";
import { type ParsedImage, parseManifest, signedPayload } from "../manifest.ts";
import { MEDIA_TYPES } from "../media_types.ts";
import { signSchema1 } from "./schema1_signature.ts";

/** A manifest of Docker's schema 1: layers and history in one, the newest first. */
export interface Schema1 {
  /** Path of the repository that it was made for; may be empty. */
  readonly name: string;
  /** Tag that it was made for; may be empty. */
  readonly tag: string;
  /** CPU architecture. */
  readonly architecture: string;
  /** Layers with their history, the newest first. */
  readonly entries: readonly Schema1Entry[];
}

/** A layer of schema 1 and the JSON that describes it; that of the newest is the image's configuration. */
export interface Schema1Entry {
  /** Digest of the layer. */
  readonly blobSum: Digest;
  /** JSON text. */
  readonly v1Compatibility: string;
}

/** What an entry's JSON says. */
export interface Schema1Step {
  /** Name of this state of the image: 64 hexadecimal digits. */
  readonly id: string;
  /** The id of the next older state; empty for the oldest. */
  readonly parent: string;
  /** When it was made. */
  readonly created: string;
  /** The command that made it. */
  readonly createdBy: string;
  /** Who made it; may be empty. */
  readonly author: string;
  /** A remark; may be empty. */
  readonly comment: string;
  /** Whether the layer has nothing in it. */
  readonly throwaway: boolean;
}

/** An entry of a manifest that was read. */
export interface ReadSchema1Entry extends Schema1Entry, Schema1Step {
  /** Position of its layer in the image's `layers`, which are oldest first. */
  readonly layer: number;
}

/** A schema 1 manifest that was read. */
export interface ReadSchema1 extends Schema1 {
  /** The entries, the newest first; of those with one id, only the oldest. */
  readonly entries: readonly ReadSchema1Entry[];
}

const DOCUMENT = "schema 1 manifest";

/** Reads what is signed of a schema 1 manifest, and checks that its history is a chain (`fixManifestLayers`). */
export function readSchema1(image: ParsedImage): ReadSchema1 {
  if (image.kind !== "docker-schema1") {
    throw new TypeError(`Cannot read a schema 1 manifest as it is another kind: current value is ${image.kind}`);
  }
  const payload = image.mediaType === MEDIA_TYPES.dockerSchema1Signed ? signedPayload(image.bytes) : image.bytes;
  const from = new StructReader(parseJson(payload, DOCUMENT).value, DOCUMENT);
  const history = from.structs("history") ?? [];
  const { layers } = image;
  if (layers.length === 0) refuse("it has no layers");
  if (history.length !== layers.length) refuse(`it has ${layers.length} layers but a history of ${history.length}`);
  const entries = history.map((item, i): ReadSchema1Entry => {
    const layer = layers.length - 1 - i;
    const v1Compatibility = item.string("v1Compatibility") ?? "";
    return { layer, blobSum: layers[layer]!.digest, v1Compatibility, ...readStep(v1Compatibility, i) };
  });
  return {
    name: from.string("name") ?? "",
    tag: from.string("tag") ?? "",
    architecture: from.string("architecture") ?? "",
    entries: checkChain(entries),
  };
}

function readStep(v1Compatibility: string, i: number): Schema1Step {
  const what = `history[${i}] of ${DOCUMENT}`;
  const from = new StructReader(parseJson(encodeUtf8(v1Compatibility), what).value, what);
  return {
    id: from.string("id") ?? "",
    parent: from.string("parent") ?? "",
    created: readTime(from, "created") ?? ZERO_TIME,
    createdBy: from.struct("container_config")?.strings("Cmd")?.join(" ") ?? "",
    author: from.string("author") ?? "",
    comment: from.string("comment") ?? "",
    throwaway: from.boolean("throwaway") ?? false,
  };
}

/** Every entry must name the next as its parent; those that repeat the next one's id are left out. */
function checkChain(entries: readonly ReadSchema1Entry[]): ReadSchema1Entry[] {
  const seen = new Set<string>();
  entries.forEach(({ id, parent }, i) => {
    const older = entries[i + 1];
    if (!/^[a-f0-9]{64}$/.test(id)) refuse(`the id ${quote(id)} of history[${i}] is not valid`);
    if (id !== entries[i - 1]?.id && seen.has(id)) refuse(`the id ${id} is there several times`);
    seen.add(id);
    if (id !== older?.id && parent !== (older?.id ?? "")) {
      refuse(`the parent of history[${i}] must be ${quote(older?.id ?? "")}: current value is ${quote(parent)}`);
    }
  });
  return entries.filter(({ id }, i) => id !== entries[i + 1]?.id);
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 256));
}

function refuse(reason: string): never {
  throw new ManifestsSyntaxError("INVALID_MANIFEST", `Cannot read a ${DOCUMENT} as ${reason}`);
}

/** A schema 1 manifest with the bytes that Go writes, and a signature that is good for nothing but acceptance. */
export async function createSchema1(manifest: Schema1, time: Date = new Date()): Promise<ParsedImage> {
  const { name, tag, architecture, entries } = manifest;
  const unsigned = encodeGoJson(
    new Map<string, GoJsonValue>([
      ["name", name],
      ["tag", tag],
      ["architecture", architecture],
      ["fsLayers", entries.map(({ blobSum }) => new Map([["blobSum", blobSum]]))],
      ["history", entries.map(({ v1Compatibility }) => new Map([["v1Compatibility", v1Compatibility]]))],
      ["schemaVersion", 1],
    ]),
  );
  return parseManifest(await signSchema1(unsigned, time)) as ParsedImage;
}
