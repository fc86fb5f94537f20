import { type Digest, digestOf, getEntries, isIndex, MEDIA_TYPES, parseManifest } from "../spec/room.ts";
import { damagedList, findDamage, isListRecord, randomImageId } from "../store/room.ts";
import type { StoreTarget } from "./host.ts";
import { notAManifestList } from "./load.ts";
import { assertKnownOptions, type PushOptions, type PushResult } from "./push.ts";
import { digestItems, LIST_KEYS, type ListRecords, readRecords, writeRecords } from "./records.ts";

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

/**
 * The options that a push to a local store cannot follow: instances stay where they are, and the store has no
 * conditional writes by digest. All options are listed, so that a new one is a decision.
 */
const REFUSED_OPTIONS = {
  instances: true,
  addCompression: true,
  forceCompressionFormat: true,
  signers: true,
  signBy: true,
  signBySigstorePrivateKeyFile: true,
  signBySigstoreParamFile: true,
  referrers: true,
  sourceFilter: true,
  ifMatch: true,
  // Has one value that can be followed, "all".
  imageListSelection: false,
  manifestType: false,
  // Nothing is signed, judged, moved or tried again.
  signIdentity: false,
  signPassphrase: false,
  signSigstorePrivateKeyPassphrase: false,
  privateKeyPassphrasePrompt: false,
  signaturePolicy: false,
  removeSignatures: false,
  removeListSignatures: false,
  preserveDigests: false,
  maxRetries: false,
  retryDelay: false,
  maxParallelTransfers: false,
  onProgress: false,
  reportWriter: false,
  systemContext: false,
  store: false,
  destinationTimestamp: false,
  signal: false,
} satisfies Record<keyof PushOptions, boolean>;

/**
 * Writes a list into a local store under a name: a record of its own, which names the instances where they are. A list
 * that has the name gets this content; an ordinary image that has it is left alone.
 *
 * @throws {TypeError} Where an option asks for something to be done to instances.
 * @throws {ManifestsError} With code `NOT_A_MANIFEST_LIST`, `LIST_CHANGED`; `STORE_CORRUPT` if the list that has the
 * name is damaged.
 */
export async function pushToStore(
  { store, name }: StoreTarget,
  { bytes, mediaType, records }: WrittenList,
  options: PushOptions,
): Promise<PushResult> {
  assertKnownOptions(options);
  refuseOptions(options);
  const there = await store.findImage(name, LIST_KEYS);
  if (there?.image.names.includes(name)) {
    const { image: { id }, data } = there;
    const damage = findDamage(there);
    if (damage) throw damagedList(name, damage);
    if (!isListRecord(there)) throw notAManifestList(name);
    const items = writeRecords(id, bytes, records, readRecords(there).instances);
    const found = digestItems(Array.from(data, ([key, bytes]) => ({ key, bytes })));
    await store.writeBigData(id, items, { ifUnchanged: found });
  } else {
    const id = randomImageId();
    await store.createImage({ id, names: [name], data: writeRecords(id, bytes, records) });
  }
  const manifest = parseManifest(bytes, mediaType);
  const digests = isIndex(manifest) ? getEntries(manifest).map(({ digest }) => digest) : [];
  return { digest: digestOf(bytes), mediaType, instances: new Map<Digest, Digest>(digests.map((d) => [d, d])) };
}

function refuseOptions(options: PushOptions): void {
  const isSet = (value: unknown) => Array.isArray(value) ? value.length > 0 : Boolean(value);
  const refused = Object.entries(options).find(([name, value]) =>
    name === "ifMatch" ? value !== undefined : isSet(value) && REFUSED_OPTIONS[name as keyof PushOptions]
  );
  const { imageListSelection = "all" } = options;
  const option = refused?.[0] ?? (imageListSelection === "all" ? undefined : "imageListSelection");
  if (option === undefined) return;
  const reason = option === "ifMatch" ? "only registries write on that condition" : "instances stay where they are";
  throw new TypeError(`Cannot push to a local store with ${option}: ${reason}`);
}
