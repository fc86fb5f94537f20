import type { BigData, ImageWithData } from "../store/room.ts";
import { encodeGoJson, isObject, parseJson, sortedMap } from "../json/room.ts";
import { type Digest, digestOf, isWellFormedDigest, ManifestsError, ManifestsSyntaxError } from "../spec/room.ts";
import { Artifacts } from "./artifacts.ts";

/** Keys of the big data of a list in a store. */
export const LIST_KEYS = ["manifest", "instances.json", "artifacts.json"] as const;

/** Digests of a list's items; `undefined` for a missing item. */
export type ItemDigests = ReadonlyMap<string, Digest | undefined>;

/** Returns the digests of items. If a key occurs twice, the last item applies, as when items are written. */
export function digestItems(items: readonly BigData[]): ItemDigests {
  const bytes = new Map(items.map((item) => [item.key, item.bytes]));
  return new Map(LIST_KEYS.map((key) => [key, bytes.has(key) ? digestOf(bytes.get(key)!) : undefined]));
}

/** Contents of a stored list other than its manifest. */
export interface ListRecords {
  /** The reference from which each instance was added, by digest. */
  readonly instances: Map<string, string>;
  /** Artifacts that are instances of the list. */
  readonly artifacts: Artifacts;
}

/**
 * Returns the three items of a list, in an order that may be interrupted at any point: `instances.json` always has the
 * place of each instance that the manifest names.
 *
 * @param before Places of the instances of the list that is overwritten, by digest.
 */
export function writeRecords(
  imageId: string,
  manifest: Uint8Array<ArrayBuffer>,
  records: ListRecords,
  before: ReadonlyMap<string, string> = new Map(),
): BigData[] {
  const instances = (entries: Iterable<readonly [string, string]>): BigData => ({
    key: "instances.json",
    bytes: encodeGoJson(sortedMap(new Map([["", imageId], ...entries]))!),
  });
  const removed = [...before.keys()].some((digest) => !records.instances.has(digest));
  return [
    instances(removed ? [...before, ...records.instances] : records.instances),
    { key: "artifacts.json", bytes: records.artifacts.serialize() },
    { key: "manifest", bytes: manifest },
    ...(removed ? [instances(records.instances)] : []),
  ];
}

/** Reads the items other than the manifest. Throws `INVALID_JSON`, or `STORE_CORRUPT` if `instances.json` is missing. */
export function readRecords({ image, data }: ImageWithData): ListRecords {
  const instances = data.get("instances.json");
  if (!instances) {
    throw new ManifestsError(
      "STORE_CORRUPT",
      `Cannot load list ${JSON.stringify(image.id)}: its item "instances.json" is missing in the store`,
    );
  }
  const artifacts = data.get("artifacts.json");
  return {
    instances: parseInstances(instances),
    artifacts: artifacts ? Artifacts.parse(artifacts) : new Artifacts(),
  };
}

/** Returns the places of a stored list's instances, by digest; empty if `instances.json` is missing or damaged. */
export function readInstances(list: ImageWithData): ReadonlyMap<string, string> {
  try {
    return readRecords(list).instances;
  } catch {
    return new Map();
  }
}

function parseInstances(bytes: Uint8Array): Map<string, string> {
  const { value } = parseJson(bytes, "instances.json");
  const instances = new Map<string, string>();
  for (const [digest, reference] of Object.entries(isObject(value) ? value : { "?": value })) {
    // The key "" holds the id of the record, which is known.
    if (digest === "") continue;
    if (!isWellFormedDigest(digest) || typeof reference !== "string") {
      throw new ManifestsSyntaxError(
        "INVALID_JSON",
        `Cannot read instances.json: the member ${JSON.stringify(digest)} does not map a digest to a reference`,
      );
    }
    instances.set(digest, reference);
  }
  return instances;
}
