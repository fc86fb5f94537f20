import type { Digest } from "../digest.ts";
import { ManifestsSyntaxError } from "../../errors/room.ts";
import { encodeUtf8 } from "../../internal/room.ts";
import { encodeGoJson, type GoJsonValue, parseJson, readTime, StructReader, ZERO_TIME } from "../../json/room.ts";
import { type ParsedImage, parseManifest, signedPayload } from "../manifest.ts";
import { MEDIA_TYPES } from "../media_types.ts";
import { signSchema1 } from "./schema1_signature.ts";

/** Manifest of Docker schema 1: layers with their history, newest first. */
export interface Schema1 {
  /** Path of its repository; may be empty. */
  readonly name: string;
  /** Tag of the image; may be empty. */
  readonly tag: string;
  /** CPU architecture, a `GOARCH` value; may be empty. */
  readonly architecture: string;
  /** Layers with their history, newest first. */
  readonly entries: readonly Schema1Entry[];
}

/** Layer of schema 1 with its JSON. The JSON of the newest layer is the image's configuration. */
export interface Schema1Entry {
  /** Digest of the compressed layer. */
  readonly blobSum: Digest;
  /** JSON text that describes the step. */
  readonly v1Compatibility: string;
}

/** Content of an entry's JSON. */
export interface Schema1Step {
  /** Id of this state of the image: 64 hexadecimal digits. */
  readonly id: string;
  /** Id of the next older state; empty for the oldest. */
  readonly parent: string;
  /** Time when it was created, as in RFC 3339. */
  readonly created: string;
  /** Command that created it; may be empty. */
  readonly createdBy: string;
  /** Author of the image; may be empty. */
  readonly author: string;
  /** Comment of the author; may be empty. */
  readonly comment: string;
  /** Whether the layer is empty, because the step changed no files. */
  readonly throwaway: boolean;
}

/** Entry of a parsed schema 1 manifest. */
export interface ReadSchema1Entry extends Schema1Entry, Schema1Step {
  /** Index of its layer in the image's `layers`, which are oldest first. */
  readonly layer: number;
}

/** Parsed and validated schema 1 manifest. */
export interface ReadSchema1 extends Schema1 {
  /** Entries, newest first. Of several entries with the same id, only the oldest. */
  readonly entries: readonly ReadSchema1Entry[];
}

const DOCUMENT = "schema 1 manifest";

/**
 * Reads the signed payload of a schema 1 manifest and validates its history (container-libs `fixManifestLayers`). Throws
 * `INVALID_MANIFEST` if the history is not a chain of ids and parents, `INVALID_JSON` if its JSON is invalid.
 */
export function readSchema1(image: ParsedImage): ReadSchema1 {
  if (image.kind !== "docker-schema1") {
    throw new TypeError(`Cannot read a schema 1 manifest: the kind is ${image.kind}`);
  }
  const payload = image.mediaType === MEDIA_TYPES.dockerSchema1Signed ? signedPayload(image.bytes) : image.bytes;
  const from = new StructReader(parseJson(payload, DOCUMENT).value, DOCUMENT);
  const history = from.structs("history") ?? [];
  const { layers } = image;
  if (layers.length === 0) fail("it has no layers");
  if (history.length !== layers.length) fail(`it has ${layers.length} layers but a history of ${history.length}`);
  const entries = history.map((item, i): ReadSchema1Entry => {
    const layer = layers.length - 1 - i;
    const v1Compatibility = item.string("v1Compatibility") ?? "";
    return { layer, blobSum: layers[layer]!.digest, v1Compatibility, ...readStep(v1Compatibility, i) };
  });
  return {
    name: from.string("name") ?? "",
    tag: from.string("tag") ?? "",
    architecture: from.string("architecture") ?? "",
    entries: dropRepeated(entries),
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

/** Asserts that every entry names the next one as its parent, and drops entries that repeat the id of the next one. */
function dropRepeated(entries: readonly ReadSchema1Entry[]): ReadSchema1Entry[] {
  const seen = new Set<string>();
  entries.forEach(({ id, parent }, i) => {
    const older = entries[i + 1];
    if (!/^[a-f0-9]{64}$/.test(id)) fail(`the id ${quote(id)} of history[${i}] is not valid`);
    if (id !== entries[i - 1]?.id && seen.has(id)) fail(`the id ${id} occurs several times`);
    seen.add(id);
    if (id !== older?.id && parent !== (older?.id ?? "")) {
      fail(`the parent of history[${i}] must be ${quote(older?.id ?? "")}: current value is ${quote(parent)}`);
    }
  });
  return entries.filter(({ id }, i) => id !== entries[i + 1]?.id);
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 256));
}

function fail(reason: string): never {
  throw new ManifestsSyntaxError("INVALID_MANIFEST", `Cannot read a ${DOCUMENT}: ${reason}`);
}

/** Creates a schema 1 manifest with the bytes that Go writes, signed with a temporary key. */
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
