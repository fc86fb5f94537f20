import { type CreateStoredListOptions, createStoredListWith, type EditCallback } from "../../list/room.ts";
import type { ImageStore } from "../../store/room.ts";
import { findSource } from "./find_source.ts";
import { create, type List, loadFromImage } from "./list.ts";

/**
 * Creates a list in a store under a name, or, with `amend`, fills the list that has the name. Nothing is saved if `fill`
 * fails.
 *
 * With `amend`, `fill` can be called again with another list: with the list that another program created under the name,
 * or changed, at the same time. It should have no effects other than on the list.
 *
 * @param name A name without a registry gets `localhost/`, one without a tag `:latest`.
 * @param fill Adds images, annotations and so on to the list. Its result is ignored.
 * @returns The id of the list's record.
 * @throws {ManifestsError} With code `NAME_IN_USE` if the name belongs to another record and neither `amend` nor
 * `replace` is set; `STORE_CORRUPT` if the list to amend is damaged; `LIST_CHANGED` if other programs changed it
 * during every attempt; `LOCK_UNAVAILABLE` or `STORE_IO` if the store fails.
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`.
 * @throws {TypeError} If both `amend` and `replace` are set, or an option is unknown.
 *
 * @example
 * ```ts
 * import { createMemoryStore, createStoredList, loadFromImage } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * await using store = createMemoryStore();
 * const id = await createStoredList(store, "app", (list) => list.setAnnotations(undefined, { team: "release" }));
 * assert.equal(await createStoredList(store, "app", () => {}, { amend: true }), id);
 * assert.deepEqual((await loadFromImage(store, "app")).list.annotations(undefined), { team: "release" });
 * ```
 */
export async function createStoredList(
  store: ImageStore,
  name: string,
  fill: EditCallback<List, unknown>,
  options: CreateStoredListOptions = {},
): Promise<string> {
  const maker = {
    create,
    load: loadFromImage,
    async fill(list: List, base: string | undefined) {
      if (base !== undefined) await list.add((await findSource(store, base)).image, { signal: options.signal });
      await fill(list);
    },
  };
  return await createStoredListWith(store, name, maker, options);
}
