import type { SignalOptions } from "../internal/room.ts";
import { guessMediaType, isManifestsError, MEDIA_TYPES, normalizeLocalName } from "../spec/room.ts";
import {
  damagedList,
  findDamage,
  type ImageStore,
  type ImageWithData,
  isListRecord,
  nameInUse,
} from "../store/room.ts";
import { assertKnownOptions } from "./check_values.ts";
import { editStoredList } from "./load.ts";
import type { List } from "./types.ts";

/** Options for {@linkcode createStoredList}. At most one of `amend` and `replace` can be set. */
export interface CreateStoredListOptions extends SignalOptions {
  /**
   * If a list has the name, fill that list. If an image has the name, create a list with the image as its first instance,
   * which takes the name.
   *
   * @default {false}
   */
  amend?: boolean | undefined;
  /**
   * Take the name from the list or image that has it. That record is kept, without the name.
   *
   * @default {false}
   */
  replace?: boolean | undefined;
}

/** The way to make and fill a list. `base` is the id of the image that becomes its first instance, if there is one. */
export interface StoredListMaker<L extends List> {
  /** Creates an empty list, of a class that can add the base. */
  create(base: string | undefined): L | Promise<L>;
  /** Loads the list that has the name. */
  load(store: ImageStore, imageId: string): Promise<{ imageId: string; list: L }>;
  /** Adds the base and everything else to the list. */
  fill(list: L, base: string | undefined): unknown;
}

const KNOWN_OPTIONS: Readonly<Record<keyof CreateStoredListOptions, true>> = {
  amend: true,
  replace: true,
  signal: true,
};

/** Creates a list in a store, or fills the list that has the name: `createStoredList` for any runtime. */
export async function createStoredListWith<L extends List>(
  store: ImageStore,
  localName: string,
  maker: StoredListMaker<L>,
  options: CreateStoredListOptions = {},
): Promise<string> {
  assertKnownOptions(options, KNOWN_OPTIONS, "create a list");
  const { amend = false, replace = false, signal } = options;
  if (amend && replace) throw new TypeError("Cannot create a list with both amend and replace: choose one");
  const name = String(normalizeLocalName(localName));
  const fillExisting = async (id: string) => {
    await editStoredList(store, id, maker.load, (list) => maker.fill(list, undefined), { signal });
    return id;
  };
  const owner = await findOwner(store, name);
  const damage = amend && owner ? findDamage(owner) : undefined;
  if (damage) throw damagedList(name, damage);
  if (amend && owner && isListRecord(owner)) return await fillExisting(owner.image.id);
  // Checked before the list is filled, so that the error appears before any image is read.
  if (owner && !replace && !amend) throw nameInUse(name, owner.image.id);
  const base = amend ? owner?.image.id : undefined;
  const list = await maker.create(base);
  await maker.fill(list, base);
  signal?.throwIfAborted();
  if (owner) {
    // Saved without a name first, so that the name moves from its owner to the list in one step.
    const id = await list.saveToImage(store, { mimeType: replace ? undefined : matchListType(owner) });
    await store.updateNames(id, "add", [name]);
    return id;
  }
  try {
    return await list.saveToImage(store, { names: [name] });
  } catch (error) {
    // Another process can have created the list at the same time. With `amend`, that list is filled.
    const winner = amend && isManifestsError(error, "NAME_IN_USE") ? await findOwner(store, name) : undefined;
    if (!winner || !isListRecord(winner)) throw error;
    return await fillExisting(winner.image.id);
  }
}

/** Finds the image or list that has exactly this name. */
async function findOwner(store: ImageStore, name: string): Promise<ImageWithData | undefined> {
  const found = await store.findImage(name, ["manifest"]);
  return found?.image.names.includes(name) ? found : undefined;
}

/** Returns the media type of a list to which an image is converted: that of the same format. */
export function matchListType({ data }: ImageWithData): string {
  const manifest = data.get("manifest");
  const isDocker = manifest && guessMediaType(manifest) === MEDIA_TYPES.dockerManifest;
  return isDocker ? MEDIA_TYPES.dockerList : MEDIA_TYPES.ociIndex;
}
