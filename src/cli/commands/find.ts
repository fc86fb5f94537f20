import { type Digest, digestOf } from "../../spec/room.ts";
import { damagedList, findDamage } from "../../list/room.ts";
import { findLocalImage, type ImageStore, isListRecord, type StoredImage } from "../../store/room.ts";

/** A list in a store. */
export interface FoundList extends StoredImage {
  /** What the name resolved to: a full name, or an id. */
  readonly resolvedName: string;
  /** Digest of its manifest, as it was found. */
  readonly manifestDigest: Digest;
}

/** The image that a name means in a store. Throws the words that podman and buildah have for what is wrong with it. */
export async function getList(store: ImageStore, name: string): Promise<FoundList> {
  const found = await findLocalImage(store, name, ["manifest"]);
  if (!found) throw new Error(`${name}: image not known`);
  const damage = findDamage(found);
  if (damage) throw damagedList(found.resolvedName, damage);
  const manifest = found.data.get("manifest");
  if (!manifest || !isListRecord(found)) {
    throw new Error(`${found.resolvedName}: image is not a manifest list`);
  }
  return { ...found.image, resolvedName: found.resolvedName, manifestDigest: digestOf(manifest) };
}
