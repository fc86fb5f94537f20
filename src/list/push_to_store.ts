import { type Digest, digestOf, getEntries, isIndex, MEDIA_TYPES, parseManifest } from "../spec/room.ts";
import { damagedList, findDamage, isListRecord, randomImageId } from "../store/room.ts";
import type { StoreTarget } from "./host.ts";
import { notAManifestList } from "./load.ts";
import { assertPushOptions, type PushOptions, type PushResult } from "./push.ts";
import { digestItems, LIST_KEYS, type ListRecords, readRecords, writeRecords } from "./records.ts";

/** A list as it is written to a store. */
export interface WrittenList {
  /** Bytes of the list's manifest. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Media type of the manifest. */
  readonly mediaType: string;
  /** Places of instances, and artifacts. */
  readonly records: ListRecords;
}

/** Returns the type of lists that matches a type of images; any other type is returned unchanged. */
export function listType(manifestType: string | undefined): string | undefined {
  if (manifestType === MEDIA_TYPES.ociManifest) return MEDIA_TYPES.ociIndex;
  return manifestType === MEDIA_TYPES.dockerManifest ? MEDIA_TYPES.dockerList : manifestType;
}

/**
 * Options that a push to a local store cannot follow are `true`: it does not copy instances, and a store cannot write
 * on the condition of a digest. All options are listed, so that a new option needs a decision.
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
  // The value "all" is allowed.
  imageListSelection: false,
  manifestType: false,
  // Nothing is signed, checked, copied or retried.
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
  sourceContext: false,
  store: false,
  destinationTimestamp: false,
  signal: false,
} satisfies Record<keyof PushOptions, boolean>;

/**
 * Writes a list into a local store under a name. Its instances are not copied: the record has their places. An existing
 * list of that name is overwritten; an ordinary image of that name is an error.
 *
 * @throws {TypeError} If an option requires that instances are copied or changed.
 * @throws {ManifestsError} With code `NOT_A_MANIFEST_LIST`, `LIST_CHANGED`; `STORE_CORRUPT` if the list that has the
 * name is damaged.
 */
export async function pushToStore(
  { store, name }: StoreTarget,
  { bytes, mediaType, records }: WrittenList,
  options: PushOptions,
): Promise<PushResult> {
  assertPushOptions(options);
  assertStoreOptions(options);
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

function assertStoreOptions(options: PushOptions): void {
  const isSet = (value: unknown) => Array.isArray(value) ? value.length > 0 : Boolean(value);
  const refused = Object.entries(options).find(([name, value]) =>
    name === "ifMatch" ? value !== undefined : isSet(value) && REFUSED_OPTIONS[name as keyof PushOptions]
  );
  const { imageListSelection = "all" } = options;
  const option = refused?.[0] ?? (imageListSelection === "all" ? undefined : "imageListSelection");
  if (option === undefined) return;
  const reason = option === "ifMatch"
    ? "only registries support it"
    : `its instances are not copied: "all" stores the list itself, "system" the image for the platform`;
  throw new TypeError(`Cannot push to a local store with ${option}: ${reason}`);
}
