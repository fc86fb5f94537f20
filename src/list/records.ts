import type { BigData, ImageWithData } from "../store/room.ts";
import { encodeGoJson, isObject, parseJson, sortedMap } from "../json/room.ts";
import { type Digest, digestOf, isWellFormedDigest, ManifestsError, ManifestsSyntaxError } from "../spec/room.ts";
import { Artifacts } from "./artifacts.ts";

/** The big data of which a list consists in a store. */
export const LIST_KEYS = ["manifest", "instances.json", "artifacts.json"] as const;

/** Digests of a list's items; `undefined` for one that is not there. */
export type ItemDigests = ReadonlyMap<string, Digest | undefined>;

/** The digests of items; of one that is there twice, the later one counts, as when it is written. */
export function digestItems(items: readonly BigData[]): ItemDigests {
  const bytes = new Map(items.map((item) => [item.key, item.bytes]));
  return new Map(LIST_KEYS.map((key) => [key, bytes.has(key) ? digestOf(bytes.get(key)!) : undefined]));
}

/** A list as a store keeps it, beside the manifest itself. */
export interface ListRecords {
  /** Where each instance was added from, by digest. */
  readonly instances: Map<string, string>;
  /** The artifacts. */
  readonly artifacts: Artifacts;
}

/**
 * The three items of a list, in an order that is safe to be interrupted at any place: a manifest never names an
 * instance of which `instances.json` does not know where it is.
 *
 * @param before Where the instances were that the stored list has.
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

/** Reads what is beside the manifest. Throws `INVALID_JSON`, or `STORE_CORRUPT` if `instances.json` is missing. */
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

/** Where the instances of a stored list are; none if its `instances.json` is missing or damaged. */
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
    // The key "" holds the record's own id, which the record tells by itself.
    if (digest === "") continue;
    if (!isWellFormedDigest(digest) || typeof reference !== "string") {
      throw new ManifestsSyntaxError(
        "INVALID_JSON",
        `Cannot read instances.json as ${JSON.stringify(digest)} does not map a digest to a reference`,
      );
    }
    instances.set(digest, reference);
  }
  return instances;
}
