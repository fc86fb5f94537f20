import { formatPlatform, getEntries, isIndex, isManifestsError, parseManifest } from "../spec/room.ts";
import { findDamage, type ImageStore, mayBeListRecord } from "../store/room.ts";

/** A list in a store. */
export interface StoredList {
  /** Id of the list's record. */
  readonly id: string;
  /** All names of the list. */
  readonly names: readonly string[];
  /** Time when its record was created (RFC 3339). */
  readonly created: string;
  /** The platforms of its instances, in its order; `""` for one that has none. */
  readonly platforms: readonly string[];
  /** The reason why its manifest cannot be read; `undefined` if it can. */
  readonly problem?: string | undefined;
}

/**
 * Yields the lists of a store, in its order, including damaged ones, which can only be removed.
 *
 * @throws {ManifestsError} With code `STORE_IO`, `STORE_CORRUPT` or `LOCK_UNAVAILABLE` if the store cannot be read.
 *
 * @example
 * ```ts
 * import { create, createMemoryStore, listStoredLists } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * await using store = createMemoryStore();
 * await create().saveToImage(store, { names: ["app"] });
 * const lists = await Array.fromAsync(listStoredLists(store));
 * assert.deepEqual(lists.map(({ names }) => names), [["localhost/app:latest"]]);
 * ```
 */
export async function* listStoredLists(store: ImageStore): AsyncGenerator<StoredList, void, undefined> {
  for (const image of await store.listImages()) {
    const { id, names, created } = image;
    if (!mayBeListRecord(image)) continue;
    try {
      const found = await store.findImage(id, ["manifest"]);
      // Deleted since the images were listed.
      if (!found) continue;
      const problem = findDamage(found);
      const manifest = found.data.get("manifest");
      if (problem) yield { id, names, created, platforms: [], problem };
      else if (manifest) yield { id, names, created, ...readPlatforms(manifest) };
    } catch (error) {
      if (!isManifestsError(error, "STORE_CORRUPT")) throw error;
      yield { id, names, created, platforms: [], problem: error.message };
    }
  }
}

function readPlatforms(bytes: Uint8Array<ArrayBuffer>): Pick<StoredList, "platforms" | "problem"> {
  try {
    const manifest = parseManifest(bytes);
    if (!isIndex(manifest)) return { platforms: [], problem: `it is of type ${manifest.mediaType}` };
    return { platforms: getEntries(manifest).map(({ platform }) => formatPlatform(platform)) };
  } catch (error) {
    return { platforms: [], problem: error instanceof Error ? error.message : String(error) };
  }
}
