import type { SystemContext } from "../../image/room.ts";
import type { SignalOptions } from "../../internal/room.ts";
import { matchListType } from "../../list/room.ts";
import { findLocalImage, type ImageStore, imageUnknown, isListRecord } from "../../store/room.ts";
import { create, type List, loadFromImage } from "./list.ts";

/** Options for {@linkcode convertToList}. */
export interface ConvertToListOptions extends SignalOptions {
  /** Access to the store of the image. Default: that of this host. */
  systemContext?: SystemContext | undefined;
}

/**
 * Creates a list with a local image as its only instance, and saves it without a name; the image keeps its names. A list
 * is returned unchanged. Go: `Image.ConvertToManifestList` of libimage.
 *
 * @param image Name or id of an image or list of the store.
 * @returns The list, and the id of its record.
 * @throws {ManifestsError} With code `IMAGE_UNKNOWN` if the store has no such image; `LOCK_UNAVAILABLE`, `STORE_IO` or
 * `STORE_CORRUPT` if the store fails.
 *
 * @example
 * ```ts
 * import { convertToList, create, createMemoryStore } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * await using store = createMemoryStore();
 * const id = await create().saveToImage(store, { names: ["app"] });
 * assert.equal((await convertToList(store, "app")).imageId, id);
 * ```
 */
export async function convertToList(
  store: ImageStore,
  image: string,
  { systemContext, signal }: ConvertToListOptions = {},
): Promise<{ imageId: string; list: List }> {
  const found = await findLocalImage(store, image, ["manifest"]);
  if (!found) throw imageUnknown(image);
  if (isListRecord(found)) return await loadFromImage(store, found.image.id);
  const list = create();
  await list.add(`containers-storage:${store.location}@${found.image.id}`, { systemContext, signal });
  const imageId = await list.saveToImage(store, { mimeType: matchListType(found) });
  return { imageId, list };
}
