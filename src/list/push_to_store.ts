import {
  type Digest,
  digestOf,
  entriesOf,
  guessMediaType,
  isIndex,
  isIndexMediaType,
  MEDIA_TYPES,
  parseManifest,
} from "../spec/room.ts";
import { type ImageStore, randomImageId } from "../store/room.ts";
import { notAManifestList } from "./load.ts";
import type { PushOptions, PushResult } from "./push.ts";
import { digestItems, LIST_KEYS, type ListRecords, readRecords, writeRecords } from "./records.ts";

/** A name in a local store, to which a list is pushed. */
export interface StoreTarget {
  /** The store, which whoever opened it closes. */
  readonly store: ImageStore;
  /** The name, fully qualified. */
  readonly name: string;
}

/** A list as it is written. */
export interface WrittenList {
  /** Its manifest. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Media type of that. */
  readonly mediaType: string;
  /** What is beside it. */
  readonly records: ListRecords;
}

/** The type of list that belongs to a type of image; any other type is itself. */
export function listType(manifestType: string | undefined): string | undefined {
  if (manifestType === MEDIA_TYPES.ociManifest) return MEDIA_TYPES.ociIndex;
  return manifestType === MEDIA_TYPES.dockerManifest ? MEDIA_TYPES.dockerList : manifestType;
}

/** What is done to instances on their way; to a local store, they do not go. */
const OPTIONS_OF_INSTANCES = [
  "instances",
  "addCompression",
  "forceCompressionFormat",
  "signers",
  "signBy",
  "signBySigstorePrivateKeyFile",
  "referrers",
  "signBySigstoreParamFile",
  "sourceFilter",
] as const satisfies readonly (keyof PushOptions)[];

/**
 * Writes a list into a local store under a name: a record of its own, which names the instances where they are. A list
 * that has the name gets this content; an ordinary image that has it is left alone.
 *
 * @throws {TypeError} Where an option asks for something to be done to instances.
 * @throws {ManifestsError} With code `NOT_A_MANIFEST_LIST`, `LIST_CHANGED` and others.
 */
export async function pushToStore(
  { store, name }: StoreTarget,
  { bytes, mediaType, records }: WrittenList,
  options: PushOptions,
): Promise<PushResult> {
  refuseOptions(options);
  const there = await store.findImage(name, LIST_KEYS);
  if (there?.image.names.includes(name)) {
    const { image: { id }, data } = there;
    if (!isIndexMediaType(guessMediaType(data.get("manifest") ?? new Uint8Array()))) throw notAManifestList(name);
    const items = writeRecords(id, bytes, records, readRecords(there).instances);
    const found = digestItems(Array.from(data, ([key, bytes]) => ({ key, bytes })));
    await store.writeBigData(id, items, { ifUnchanged: found });
  } else {
    const id = randomImageId();
    await store.createImage({ id, names: [name], data: writeRecords(id, bytes, records) });
  }
  const manifest = parseManifest(bytes, mediaType);
  const digests = isIndex(manifest) ? entriesOf(manifest).map(({ digest }) => digest) : [];
  return { digest: digestOf(bytes), mediaType, instances: new Map<Digest, Digest>(digests.map((d) => [d, d])) };
}

function refuseOptions(options: PushOptions): void {
  const { imageListSelection = "all" } = options;
  const asked = OPTIONS_OF_INSTANCES.find((name) => {
    const value = options[name];
    return Array.isArray(value) ? value.length > 0 : Boolean(value);
  });
  const option = asked ?? (imageListSelection === "all" ? undefined : "imageListSelection");
  if (option === undefined) return;
  throw new TypeError(`Cannot push to a local store with ${option} as instances stay where they are`);
}
