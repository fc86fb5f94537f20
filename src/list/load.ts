import type { SignalOptions } from "../internal/room.ts";
import { type Digest, isManifestsError, ListImageUnknownError, ManifestsError, parseNamed } from "../spec/room.ts";
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

/** A list as it was read from a store. */
export interface LoadedList {
  /** Store that contains the list. */
  readonly store: ImageStore;
  /** Id of the list's record in the store. */
  readonly imageId: string;
  /** Bytes of the list's manifest. */
  readonly manifest: Uint8Array<ArrayBuffer>;
  /** Places of instances, and artifacts. */
  readonly records: ListRecords;
  /** Digests of the record's items, to detect changes by other programs. */
  readonly digests: ItemDigests;
}

/** Creates the error for an image that is not a list. */
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
 * @throws {ListImageUnknownError} If the store has no such image; code `LIST_IMAGE_UNKNOWN`.
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
  // An ordinary image has no instances.json either: report first that it is not a list.
  if (!isListRecord(found)) throw notAManifestList(found.resolvedName);
  try {
    const name = `list ${JSON.stringify(found.resolvedName)} of ${store.location}`;
    const list = parseNamed(
      name,
      () => make({ store, imageId, manifest, records: readRecords(found), digests: digestItems(items) }),
    );
    return { imageId, list };
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
 * Returns the lock to hold while a list is loaded, edited and saved. podman takes the same lock. Go: `LockerForImage`.
 *
 * @throws {ListImageUnknownError} If the store has no such image; code `LIST_IMAGE_UNKNOWN`.
 *
 * @example
 * ```ts
 * import { create, createMemoryStore, lockerForImage } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * await using store = createMemoryStore();
 * await create().saveToImage(store, { names: ["app"] });
 * const locker = await lockerForImage(store, "app");
 * await using _lock = await locker.lock(); // edit and save the list while the lock is held
 * assert.notEqual(locker.name, "");
 * ```
 */
export async function lockerForImage(store: ImageStore, image: string): Promise<Locker> {
  return getLocker(store, await findListImage(store, image));
}

/** Returns the lock of a record: as in Go, the lock of a digest made of the record's id. */
function getLocker(store: ImageStore, { id }: StoredImage): Locker {
  return store.digestLocker(`sha256:${id}` as Digest);
}

/** Options for {@linkcode editList}. */
export interface EditListOptions extends SignalOptions {
  /**
   * Maximum number of times that the list is loaded, edited and saved, because programs that do not take the list's lock
   * changed it at the same time.
   *
   * @default {10}
   */
  attempts?: number | undefined;
}

/** Callback of {@linkcode editList}: changes the list. Its result is the result of the call. */
export type EditCallback<L, T> = (list: L) => T | Promise<T>;

/** Locks, loads, changes and saves a list: `editList` for any runtime. */
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
  await using _guard = await getLocker(store, found).lock(options);
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
