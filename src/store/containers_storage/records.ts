import {
  encodeGoJsonText,
  type GoJsonValue,
  type JsonSpan,
  parseJson,
  RawJson,
  scanJson,
  sortedMap,
  StructReader,
} from "../../json/room.ts";
import { type Digest, isDigest, ManifestsError } from "../../spec/room.ts";
import { isManifestKey } from "../big_data.ts";

/** A record of `images.json` (storage `images.go`, struct `Image`). */
export interface ImageRecord {
  /** Id. */
  readonly id: string;
  /** First manifest digest that was ever recorded. */
  readonly digest?: Digest | undefined;
  /** Names. */
  readonly names: readonly string[];
  /** Names that it ever had, newest first. */
  readonly namesHistory: readonly string[];
  /** Top layer. */
  readonly layer?: string | undefined;
  /** Big data keys. */
  readonly bigDataNames: readonly string[];
  /** Sizes by key. */
  readonly bigDataSizes: ReadonlyMap<string, number>;
  /** Digests by key. */
  readonly bigDataDigests: ReadonlyMap<string, Digest>;
  /** Time, verbatim. */
  readonly created: string;
  /** What whoever wrote it keeps beside it; never written from here, but kept. */
  readonly metadata?: string | undefined;
}

/** A record with the text that it was read from, which is written back as it is unless the record changes. */
export interface StoredRecord {
  /** What this module knows of it. */
  readonly record: ImageRecord;
  /** Its JSON text. */
  readonly text: string;
}

/** Go's zero time: unknown. */
const ZERO_TIME = "0001-01-01T00:00:00Z";

/** The members that {@linkcode encodeRecord} writes anew, in Go's order; others are kept as they are. */
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
 * Reads `images.json`. What Go would not decode is refused here too, so that it is never written back.
 *
 * @throws {ManifestsError} With code `STORE_CORRUPT`.
 */
export function parseRecords(bytes: Uint8Array, path: string): StoredRecord[] {
  if (bytes.length === 0) return [];
  try {
    const { value, text, spans } = parseJson(bytes, path);
    if (value === null) return [];
    if (!Array.isArray(value)) throw new TypeError("it is no array");
    return repairNames(
      value.map((item, i) => {
        const { start, end } = spans[i]!;
        return { record: readRecord(new StructReader(item, path, `[${i}]`)), text: text.slice(start, end) };
      }),
    );
  } catch (cause) {
    throw new ManifestsError("STORE_CORRUPT", `Cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

function readRecord(from: StructReader): ImageRecord {
  const id = from.string("id") ?? "";
  if (id === "") from.fail("id", "an image id");
  const created = from.string("created") ?? ZERO_TIME;
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(created)) from.fail("created", "a time");
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

/** Go checks only those of manifests, by which images are found; others are kept as they are. */
function readDigests(from: StructReader): Map<string, Digest> {
  const digests = from.stringMap("big-data-digests") ?? {};
  for (const [key, digest] of Object.entries(digests)) {
    if (isManifestKey(key) && !isDigest(digest)) from.fail("big-data-digests", `a digest for ${key}`);
  }
  return new Map(Object.entries(digests) as [string, Digest][]);
}

/** Two records with one name: the later one has it, as containers/storage decides when it loads. */
function repairNames(records: StoredRecord[]): StoredRecord[] {
  const owners = new Map<string, number>();
  const repaired = [...records];
  records.forEach(({ record }, i) => {
    for (const name of record.names) {
      const before = owners.get(name);
      if (before !== undefined && before !== i) {
        const { record: loser } = repaired[before]!;
        repaired[before] = changeRecord(repaired[before]!, { names: loser.names.filter((other) => other !== name) });
      }
      owners.set(name, i);
    }
  });
  return repaired;
}

/** Every digest under which a record is found: the sticky one first, then those of its manifests. */
export function digestsOf(record: ImageRecord): Digest[] {
  const manifests = [...record.bigDataDigests].filter(([key]) => isManifestKey(key)).map(([, digest]) => digest);
  return [...new Set([...(record.digest ? [record.digest] : []), ...manifests])];
}

/** A record that is not there yet. */
export function createRecord(record: ImageRecord): StoredRecord {
  return changeRecord({ record, text: "{}" }, record);
}

/** A record with other members. Members that this module does not know stay as they are, also those of newer tools. */
export function changeRecord(stored: StoredRecord, change: Partial<ImageRecord>): StoredRecord {
  const record = { ...stored.record, ...change };
  return { record, text: encodeRecord(record, stored.text) };
}

function encodeRecord(record: ImageRecord, before: string): string {
  const kept = new Map(
    scanJson(before, "images.json").map((span: JsonSpan) => [span.key, before.slice(span.start, span.end)]),
  );
  const keep = (key: string) => {
    const found = [...kept].find(([name]) => name.toLowerCase() === key);
    return found && new RawJson(found[1]);
  };
  const members = new Map<string, GoJsonValue | undefined>([
    ["id", record.id],
    ["digest", record.digest],
    ["names", orNothing(record.names)],
    ["names-history", orNothing(record.namesHistory)],
    ["layer", record.layer],
    ["mapped-layers", keep("mapped-layers")],
    ["metadata", keep("metadata")],
    ["big-data-names", orNothing(record.bigDataNames)],
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

function orNothing(list: readonly string[]): readonly string[] | undefined {
  return list.length > 0 ? list : undefined;
}

/** The text of `images.json`. */
export function serializeRecords(records: readonly StoredRecord[]): string {
  return `[${records.map(({ text }) => text).join(",")}]`;
}
