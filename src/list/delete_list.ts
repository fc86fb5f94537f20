import type { SignalOptions } from "../internal/room.ts";
import type { Digest } from "../spec/room.ts";
import type { ImageStore, StoredImage } from "../store/room.ts";
import { lockerForImage } from "./load.ts";

/**
 * Deletes a list from a store, unless it was edited or its names changed since it was read, for example during a push.
 *
 * @param list The list, and the names that it must have.
 * @param manifest The digest of the list's manifest when it was read.
 * @throws {ListImageUnknownError} If the store has no such list; code `LIST_IMAGE_UNKNOWN`.
 * @throws {ManifestsError} With code `LIST_CHANGED` if the list was edited or has other names; `STORE_READ_ONLY`, `LOCK_UNAVAILABLE`,
 * `STORE_IO` or `STORE_CORRUPT` if the store fails.
 */
export async function deleteUnchangedList(
  store: ImageStore,
  { id, names }: Pick<StoredImage, "id" | "names">,
  manifest: Digest,
  { signal }: SignalOptions = {},
): Promise<void> {
  await using _guard = await (await lockerForImage(store, id)).lock({ signal });
  await store.deleteImage(id, { ifNames: names, ifUnchanged: new Map([["manifest", manifest]]) });
}
