import { type Digest, digestOf, isManifestsError } from "../../spec/room.ts";
import {
  assertLocalName,
  damagedList,
  findDamage,
  findLocalImage,
  type ImageStore,
  isListRecord,
  type LocalImage,
  type StoredImage,
} from "../../store/room.ts";
import type { LocalStore } from "../context.ts";

/** A list found in the local store. */
export interface FoundList extends StoredImage {
  /** Full name or id to which the given name resolved. */
  readonly resolvedName: string;
  /** Digest of the stored manifest. */
  readonly manifestDigest: Digest;
}

/** Gets the list of a name from a store. The error messages are those of podman and buildah. */
export async function getList(store: ImageStore, name: string): Promise<FoundList> {
  const found = await findList(store, name);
  if (!found) throw new Error(`${name}: image not known`);
  const manifest = found.data.get("manifest")!;
  return { ...found.image, resolvedName: found.resolvedName, manifestDigest: digestOf(manifest) };
}

/** Finds the list of a name. Returns `undefined` if nothing has the name, and throws if what has it is not a list. */
export async function findList(store: ImageStore, name: string): Promise<LocalImage | undefined> {
  const found = await findLocalImage(store, name, ["manifest"]);
  if (!found) return undefined;
  const damage = findDamage(found);
  if (damage) throw damagedList(found.resolvedName, damage);
  if (!isListRecord(found)) throw new Error(`${found.resolvedName}: image is not a manifest list`);
  return found;
}

/** Gets the list or image of a name from a store. */
export async function getImage(store: ImageStore, name: string): Promise<StoredImage> {
  const found = await findLocalImage(store, name, ["manifest"]);
  if (!found) throw new Error(`${name}: image not known`);
  const damage = findDamage(found);
  if (damage) throw damagedList(found.resolvedName, damage);
  return found.image;
}

/** Finds the local image of a name. Returns `"elsewhere"` if the name has the transport of another place or store. */
export async function findUnlessElsewhere(
  store: LocalStore,
  name: string,
): Promise<LocalImage | "elsewhere" | undefined> {
  try {
    assertLocalName(name);
    return await findLocalImage(await store.open(), name, ["manifest"]);
  } catch (error) {
    if (isManifestsError(error, "UNSUPPORTED_TRANSPORT")) return "elsewhere";
    throw error;
  }
}
