import assert from "node:assert/strict";
import { create, createMemoryStore, editList, isManifestsError } from "../../mod.ts";
import { deleteUnchangedList } from "../../src/list/room.ts";
import { digestOf } from "../../src/spec/room.ts";

Deno.test("a list is deleted only if it did not change after it was read", async () => {
  await using store = createMemoryStore();
  const names = ["localhost/app:latest"];
  const id = await create().saveToImage(store, { names });
  const list = { id, names };
  const readDigest = async () => digestOf((await store.findImage(id, ["manifest"]))!.data.get("manifest")!);
  const before = await readDigest();
  await editList(store, id, (list) => list.setAnnotations(undefined, { team: "release" }));
  await assert.rejects(deleteUnchangedList(store, list, before), (error) => isManifestsError(error, "LIST_CHANGED"));
  await store.updateNames(id, "add", ["localhost/other:latest"]);
  const current = await readDigest();
  await assert.rejects(
    deleteUnchangedList(store, list, current),
    (error) => isManifestsError(error, "LIST_CHANGED"),
  );
  await store.updateNames(id, "remove", ["localhost/other:latest"]);
  assert.equal((await store.listImages()).length, 1);
  await deleteUnchangedList(store, list, await readDigest());
  assert.deepEqual(await store.listImages(), []);
  await assert.rejects(
    deleteUnchangedList(store, list, before),
    (error) => isManifestsError(error, "LIST_IMAGE_UNKNOWN"),
  );
});

Deno.test("a list that another program holds is not deleted before its lock is free", async () => {
  await using store = createMemoryStore();
  const id = await create().saveToImage(store);
  const digest = digestOf((await store.findImage(id, ["manifest"]))!.data.get("manifest")!);
  await editList(store, id, async () => {
    const signal = AbortSignal.abort(new Error("stop"));
    await assert.rejects(deleteUnchangedList(store, { id, names: [] }, digest, { signal }), /^Error: stop$/);
  });
  assert.equal((await store.listImages()).length, 1);
});
