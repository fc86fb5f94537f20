import type { SignalOptions } from "../internal/room.ts";
import { type Digest, isManifestsError, ListImageUnknownError, ManifestsError } from "../spec/room.ts";
import {
  damagedList,
  findDamage,
  findLocalImage,
  type ImageStore,
  isListRecord,
  type Locker,
  type StoredImage,
} from "../store/room.ts";
import { digestItems, type ItemDigests, LIST_KEYS, type ListRecords, readRecords } from "./records.ts";
import { assertNotEditing, runEdit } from "./running_edits.ts";

/** What a list was loaded with, for those who load it. */
export interface LoadedList {
  /** The store that holds it. */
  readonly store: ImageStore;
  /** Id of its record. */
  readonly imageId: string;
  /** Its manifest. */
  readonly manifest: Uint8Array<ArrayBuffer>;
  /** What is beside the manifest. */
  readonly records: ListRecords;
  /** The digests of all that the store has of it. */
  readonly digests: ItemDigests;
}

/** The error of an image that is no list. */
export function notAManifestList(name: string, cause?: unknown): ManifestsError {
  return new ManifestsError(
    "NOT_A_MANIFEST_LIST",
    `Cannot use ${JSON.stringify(name)} as a list: image is not a manifest list`,
    cause ? { cause } : undefined,
  );
}

/**
 * Reads a list's records from a store and makes a list of them.
 *
 * @throws {ListImageUnknownError} Where the store has no such image.
 * @throws {ManifestsError} With code `NOT_A_MANIFEST_LIST`, `INVALID_JSON`; `STORE_CORRUPT` if its data is missing in
 * the store; `STORE_IO`.
 */
export async function loadList<L>(
  store: ImageStore,
  image: string,
  make: (loaded: LoadedList) => L,
): Promise<{ imageId: string; list: L }> {
  const found = await findLocalImage(store, image, LIST_KEYS);
  if (!found) throw new ListImageUnknownError(image);
  const imageId = found.image.id;
  const damage = findDamage(found);
  if (damage) throw damagedList(found.resolvedName, damage);
  const manifest = found.data.get("manifest");
  if (!manifest) throw notAManifestList(found.resolvedName);
  const items = Array.from(found.data, ([key, bytes]) => ({ key, bytes }));
  // An ordinary image has no instances.json either, but that it is no list is what its user must hear.
  if (!isListRecord(found)) throw notAManifestList(found.resolvedName);
  try {
    return {
      imageId,
      list: make({ store, imageId, manifest, records: readRecords(found), digests: digestItems(items) }),
    };
  } catch (error) {
    if (isManifestsError(error, "NOT_A_MANIFEST_LIST")) throw notAManifestList(found.resolvedName, error);
    throw error;
  }
}

/** Finds the image that holds a list. Throws {@linkcode ListImageUnknownError}. */
async function findListImage(store: ImageStore, image: string): Promise<StoredImage> {
  const found = await findLocalImage(store, image);
  if (!found) throw new ListImageUnknownError(image);
  return found.image;
}

/**
 * The lock that everybody holds who loads, edits and saves a list. Go: `LockerForImage`; the same lock as podman's.
 *
 * @throws {ListImageUnknownError} Where the store has no such image.
 */
export async function lockerForImage(store: ImageStore, image: string): Promise<Locker> {
  return lockerOf(store, await findListImage(store, image));
}

/** The lock of a record is that of its id, taken for a digest. */
function lockerOf(store: ImageStore, { id }: StoredImage): Locker {
  return store.digestLocker(`sha256:${id}` as Digest);
}

/** Options for {@linkcode editList}. */
export interface EditListOptions extends SignalOptions {
  /**
   * How often the edit is made again where somebody who does not take the list's lock changed it meanwhile.
   *
   * @default {10}
   */
  attempts?: number | undefined;
}

/** What {@linkcode editList} calls back with. */
export type EditCallback<L, T> = (list: L) => T | Promise<T>;

/** Lock, load, change, save: see `editList` of `mod.ts`, which this is without the host. */
export async function editStoredList<L extends { saveToImage(store: ImageStore): Promise<string> }, T>(
  store: ImageStore,
  image: string,
  load: (store: ImageStore, imageId: string) => Promise<{ imageId: string; list: L }>,
  edit: EditCallback<L, T>,
  options: EditListOptions = {},
): Promise<T> {
  const found = await findListImage(store, image);
  const key = JSON.stringify([store.identity, found.id]);
  assertNotEditing(key, image);
  await using _guard = await lockerOf(store, found).lock(options);
  for (let attempt = 1;; attempt++) {
    options.signal?.throwIfAborted();
    const { list } = await load(store, found.id);
    const result = await runEdit(key, () => edit(list));
    options.signal?.throwIfAborted();
    try {
      await list.saveToImage(store);
      return result;
    } catch (error) {
      if (!isManifestsError(error, "LIST_CHANGED") || attempt >= (options.attempts ?? 10)) throw error;
    }
  }
}
