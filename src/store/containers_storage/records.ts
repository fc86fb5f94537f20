import {
  encodeGoJsonText,
  type GoJsonValue,
  isObject,
  type JsonSpan,
  parseJson,
  RawJson,
  scanJson,
  sortedMap,
  StructReader,
} from "../../json/room.ts";
import { decodeUtf8 } from "../../internal/room.ts";
import { type Digest, isDigest, ManifestsError } from "../../spec/room.ts";
import { isManifestKey } from "../big_data.ts";

/** A record in `images.json` (storage `images.go`, struct `Image`). */
export interface ImageRecord {
  /** Id of the image: 64 hexadecimal digits. */
  readonly id: string;
  /** First manifest digest that was ever recorded; `undefined` if there is none. */
  readonly digest?: Digest | undefined;
  /** Current names of the image, fully qualified. */
  readonly names: readonly string[];
  /** Names that the image ever had, newest first. */
  readonly namesHistory: readonly string[];
  /** Id of the top layer; `undefined` for lists. */
  readonly layer?: string | undefined;
  /** Keys of the big data items. */
  readonly bigDataNames: readonly string[];
  /** Sizes of the big data items in bytes, by key. */
  readonly bigDataSizes: ReadonlyMap<string, number>;
  /** Digests of the big data items, by key. */
  readonly bigDataDigests: ReadonlyMap<string, Digest>;
  /** Time of creation, exactly as in the file. */
  readonly created: string;
  /** Private data of the program that wrote the record, such as the sizes of signatures. */
  readonly metadata?: string | undefined;
}

/** A record with the text that it was read from, which is written back unchanged unless the record changes. */
export interface StoredRecord extends Pick<ImageRecord, "id" | "names"> {
  /** The members that this module understands. */
  readonly record: ImageRecord;
  /** JSON text of the record, with all members. */
  readonly text: string;
}

/** Go's zero time, which means that the time is not known. */
const ZERO_TIME = "0001-01-01T00:00:00Z";

const TIME_REGEXP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Members that {@linkcode encodeRecord} writes, in Go's order. All other members are preserved. */
const KNOWN_MEMBERS = [
  "id",
  "digest",
  "names",
  "names-history",
  "layer",
  "mapped-layers",
  "metadata",
  "big-data-names",
  "big-data-sizes",
  "big-data-digests",
  "created",
  "flags",
];

/**
 * Parses `images.json`. Input that Go would not decode is rejected here too, so that it is never written back.
 *
 * @throws {ManifestsError} With code `STORE_CORRUPT`.
 */
export function parseRecords(bytes: Uint8Array, path: string): StoredRecord[] {
  if (bytes.length === 0) return [];
  try {
    return repairNames(readPlainRecords(bytes) ?? readRecords(bytes, path));
  } catch (cause) {
    throw new ManifestsError("STORE_CORRUPT", `Cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Reads records of any form, with all checks. */
function readRecords(bytes: Uint8Array, path: string): StoredRecord[] {
  const { value, text, spans } = parseJson(bytes, path);
  if (value === null) return [];
  if (!Array.isArray(value)) throw new TypeError("it is not an array");
  return value.map((item, i) => {
    const { start, end } = spans[i]!;
    return toStored(readRecord(new StructReader(item, path, `[${i}]`)), text.slice(start, end));
  });
}

function toStored(record: ImageRecord, text: string): StoredRecord {
  return { id: record.id, names: record.names, record, text };
}

/**
 * Reads records if all of them have the form that Go's tools and this module write; else returns `undefined`. Most records
 * of a large store are never used, so each of them is only checked. A text that is equal to what `JSON.stringify` writes
 * was read correctly: no object has a duplicate key, and no escaped key was confused with another.
 */
function readPlainRecords(bytes: Uint8Array): StoredRecord[] | undefined {
  try {
    const text = decodeUtf8(bytes);
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value) || !value.every(isPlainItem) || JSON.stringify(value) !== text) return undefined;
    return value.map((item) => new PlainRecord(item));
  } catch {
    return undefined;
  }
}

/** A record that is known to be valid, and is only read when it is used. */
class PlainRecord implements StoredRecord {
  readonly id: string;
  readonly names: readonly string[];
  readonly #item: PlainItem;
  #record: ImageRecord | undefined;

  constructor(item: PlainItem) {
    this.id = item.id;
    this.names = item.names ?? [];
    this.#item = item;
  }

  get record(): ImageRecord {
    return this.#record ??= readRecord(new StructReader(this.#item, "images.json"));
  }

  get text(): string {
    return JSON.stringify(this.#item);
  }
}

/** The form of nearly all records: names of members as Go writes them, no `null`, digests by SHA-256. */
interface PlainItem {
  readonly id: string;
  readonly names?: readonly string[];
}

/** Whether a value has the form of a {@linkcode PlainItem}. `readRecord` accepts each such value. */
function isPlainItem(value: unknown): value is PlainItem {
  if (!isObject(value) || value.id === undefined) return false;
  for (const name in value) {
    if (!isPlainMember(name, value[name])) return false;
  }
  return true;
}

/** This runs for each member of thousands of records, often in a process that does nothing else. */
function isPlainMember(name: string, value: unknown): boolean {
  switch (name) {
    case "id":
      return typeof value === "string" && value !== "";
    case "created":
      return typeof value === "string" && TIME_REGEXP.test(value);
    case "digest":
      return isPlainDigest(value);
    case "layer":
    case "metadata":
      return typeof value === "string";
    case "names":
    case "names-history":
    case "mapped-layers":
    case "big-data-names":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
    case "big-data-sizes":
      return isObject(value) && everyMember(value, Number.isSafeInteger);
    case "big-data-digests":
      return isObject(value) && everyMember(value, isPlainDigest);
    case "flags":
      return isObject(value) && everyMember(value, (flag) => typeof flag !== "object");
    default:
      return false;
  }
}

function isPlainDigest(value: unknown): boolean {
  return typeof value === "string" && /^sha256:[0-9a-f]{64}$/.test(value);
}

function everyMember(value: Record<string, unknown>, is: (value: unknown) => boolean): boolean {
  for (const name in value) {
    if (!is(value[name])) return false;
  }
  return true;
}

function readRecord(from: StructReader): ImageRecord {
  const id = from.string("id") ?? "";
  if (id === "") from.fail("id", "an image id");
  const created = from.string("created") ?? ZERO_TIME;
  if (!TIME_REGEXP.test(created)) from.fail("created", "a time");
  from.strings("mapped-layers");
  from.struct("flags");
  const digest = from.string("digest") || undefined;
  if (digest !== undefined && !isDigest(digest)) from.fail("digest", "a digest");
  return {
    id,
    digest: digest as Digest | undefined,
    names: from.strings("names") ?? [],
    namesHistory: from.strings("names-history") ?? [],
    layer: from.string("layer") || undefined,
    bigDataNames: from.strings("big-data-names") ?? [],
    bigDataSizes: new Map(Object.entries(readSizes(from))),
    bigDataDigests: readDigests(from),
    created,
    metadata: from.string("metadata") || undefined,
  };
}

function readSizes(from: StructReader): Record<string, number> {
  const sizes = from.struct("big-data-sizes");
  return sizes ? Object.fromEntries(sizes.entries((value) => Number.isSafeInteger(value), "an integer")) : {};
}

/** Go validates only the digests of manifests, by which images are found. Other digests are preserved unchanged. */
function readDigests(from: StructReader): Map<string, Digest> {
  const digests = from.stringMap("big-data-digests") ?? {};
  for (const [key, digest] of Object.entries(digests)) {
    if (isManifestKey(key) && !isDigest(digest)) from.fail("big-data-digests", `a digest for ${key}`);
  }
  return new Map(Object.entries(digests) as [string, Digest][]);
}

/** Resolves names that two records have: the later record keeps the name, as in containers/storage. */
function repairNames(records: StoredRecord[]): StoredRecord[] {
  const owners = new Map<string, number>();
  const repaired = [...records];
  records.forEach(({ names }, i) => {
    for (const name of names) {
      const before = owners.get(name);
      if (before !== undefined && before !== i) {
        const loser = repaired[before]!;
        repaired[before] = updateRecord(loser, { names: loser.names.filter((other) => other !== name) });
      }
      owners.set(name, i);
    }
  });
  return repaired;
}

/** Returns the digests under which a record is found: the first recorded one, then those of its manifests. */
export function listDigests(record: ImageRecord): Digest[] {
  const manifests = [...record.bigDataDigests].filter(([key]) => isManifestKey(key)).map(([, digest]) => digest);
  return [...new Set([...(record.digest ? [record.digest] : []), ...manifests])];
}

/** Encodes a new record as JSON text. */
export function createRecord(record: ImageRecord): StoredRecord {
  return updateRecord(toStored(record, "{}"), record);
}

/** Changes members of a record. Members that this module does not know, such as those of newer tools, are preserved. */
export function updateRecord(stored: StoredRecord, change: Partial<ImageRecord>): StoredRecord {
  const record = { ...stored.record, ...change };
  return toStored(record, encodeRecord(record, stored.text));
}

function encodeRecord(record: ImageRecord, before: string): string {
  const kept = new Map(
    scanJson(before, "images.json").map((span: JsonSpan) => [span.key, before.slice(span.start, span.end)]),
  );
  const keep = (key: string) => {
    const found = [...kept].find(([name]) => name.toLowerCase() === key);
    return found && new RawJson(found[1]);
  };
  const keepEqual = (key: string, value: string) => {
    const before = keep(key);
    return before && JSON.parse(before.text) === value ? before : value;
  };
  const members = new Map<string, GoJsonValue | undefined>([
    ["id", record.id],
    ["digest", record.digest],
    ["names", omitEmpty(record.names)],
    ["names-history", omitEmpty(record.namesHistory)],
    ["layer", record.layer],
    ["mapped-layers", keep("mapped-layers")],
    ["metadata", record.metadata === undefined ? undefined : keepEqual("metadata", record.metadata)],
    ["big-data-names", omitEmpty(record.bigDataNames)],
    ["big-data-sizes", sortedMap(record.bigDataSizes)],
    ["big-data-digests", sortedMap(record.bigDataDigests)],
    ["created", record.created],
    ["flags", keep("flags")],
  ]);
  for (const [key, text] of kept) {
    if (!KNOWN_MEMBERS.includes(key.toLowerCase())) members.set(key, new RawJson(text));
  }
  return encodeGoJsonText(members);
}

function omitEmpty(list: readonly string[]): readonly string[] | undefined {
  return list.length > 0 ? list : undefined;
}

/** Returns the text of `images.json`. */
export function serializeRecords(records: readonly StoredRecord[]): string {
  return `[${records.map(({ text }) => text).join(",")}]`;
}
