/** `editList` inside the callback of `editList`. */
import assert from "node:assert/strict";
import { create, createMemoryStore, editList, loadFromImage } from "../../mod.ts";

const set =
  (name: string) => (list: { setAnnotations(digest: undefined, annotations: Record<string, string>): void }) =>
    list.setAnnotations(undefined, { [name]: "1" });

Deno.test("editList inside editList of the same list throws at once, by whatever name the list is given", async () => {
  await using store = createMemoryStore();
  const id = await create().saveToImage(store, { names: ["app", "alias"] });
  for (const name of ["app", "localhost/alias:latest", id]) {
    await editList(store, "app", async (list) => {
      await assert.rejects(editList(store, name, set("inner")), TypeError, name);
      set(`outer-${name.length}`)(list);
    });
  }
  await create().saveToImage(store, { names: ["other"] });
  await editList(store, "app", async () => {
    await editList(store, "other", () => assert.rejects(editList(store, "app", set("inner")), TypeError));
  });
  const { list } = await loadFromImage(store, "app");
  assert.equal("inner" in list.annotations(undefined), false);
});

Deno.test("editList of another list, after an edit, or at the same time as one, works", async () => {
  await using store = createMemoryStore();
  await create().saveToImage(store, { names: ["app"] });
  await create().saveToImage(store, { names: ["other"] });
  const after = Promise.withResolvers<void>();
  let late: Promise<void> | undefined;
  await Promise.all([
    editList(store, "app", async (list) => {
      await editList(store, "other", set("nested"));
      // Started inside the callback, but calls editList only when that has ended.
      late = after.promise.then(() => editList(store, "app", set("late")));
      set("first")(list);
    }),
    editList(store, "app", set("second")),
  ]);
  after.resolve();
  await late;
  const { list } = await loadFromImage(store, "app");
  assert.deepEqual(Object.keys(list.annotations(undefined)).sort(), ["first", "late", "second"]);
  assert.deepEqual((await loadFromImage(store, "other")).list.annotations(undefined), { nested: "1" });
});
