import { guessMediaType, isIndexMediaType } from "../spec/room.ts";
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
