import { guessMediaType, isIndexMediaType, ManifestsError } from "../spec/room.ts";
import type { ImageWithData, StoredImage } from "./types.ts";

/** True if the manifest of a record, which must have been read with it, is an index. */
export function isListRecord({ data }: ImageWithData): boolean {
  const manifest = data.get("manifest");
  return manifest !== undefined && isIndexMediaType(guessMediaType(manifest));
}

/**
 * True if a record may be a list, judged without reading its data: it has no layers, and it has the instances of a list
 * or no manifest. Go's tools create a record before they write its items, so a crash between the two leaves a list
 * without any item.
 */
export function mayBeListRecord({ topLayer, bigDataNames }: StoredImage): boolean {
  return topLayer === undefined && (bigDataNames.includes("instances.json") || !bigDataNames.includes("manifest"));
}

/**
 * Finds the damage of a record that is, or was about to be, a list: its manifest is missing or is not a manifest. Such a
 * record can only be removed. `undefined` for an intact list and for an ordinary image.
 */
export function findDamage({ image, data }: ImageWithData): string | undefined {
  if (!mayBeListRecord(image)) return undefined;
  const manifest = data.get("manifest");
  if (!manifest) return "its manifest is missing in the store";
  return guessMediaType(manifest) === "" ? "its manifest in the store cannot be read" : undefined;
}

/** Creates the error of a list that {@linkcode findDamage} found to be damaged; code `STORE_CORRUPT`. */
export function damagedList(name: string, damage: string): ManifestsError {
  return new ManifestsError(
    "STORE_CORRUPT",
    `Cannot use list ${JSON.stringify(name)}: ${damage}: remove the list (rm) and create it again`,
  );
}
