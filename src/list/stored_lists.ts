import { entriesOf, formatPlatform, isIndex, parseManifest } from "../spec/room.ts";
import type { ImageStore } from "../store/room.ts";

/** A list in a store. */
export interface StoredList {
  /** Id of its record. */
  readonly id: string;
  /** Its names. */
  readonly names: readonly string[];
  /** When its record was made (RFC 3339). */
  readonly created: string;
  /** The platforms of its instances, in its order; `""` for one that has none. */
  readonly platforms: readonly string[];
  /** Why its manifest cannot be read. */
  readonly problem?: string | undefined;
}

/** Yields the lists of a store, in its order. */
export async function* listStoredLists(store: ImageStore): AsyncGenerator<StoredList, void, undefined> {
  for (const { id, names, created, bigDataNames } of await store.listImages()) {
    // What no list has need not be read.
    if (!bigDataNames.includes("instances.json")) continue;
    const bytes = (await store.findImage(id, ["manifest"]))?.data.get("manifest");
    if (bytes) yield { id, names, created, ...platformsOf(bytes) };
  }
}

function platformsOf(bytes: Uint8Array<ArrayBuffer>): Pick<StoredList, "platforms" | "problem"> {
  try {
    const manifest = parseManifest(bytes);
    if (!isIndex(manifest)) return { platforms: [], problem: `it is of type ${manifest.mediaType}` };
    return { platforms: entriesOf(manifest).map(({ platform }) => platform ? formatPlatform(platform) : "") };
  } catch (error) {
    return { platforms: [], problem: error instanceof Error ? error.message : String(error) };
  }
}
