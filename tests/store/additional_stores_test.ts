/** Records of additional stores are found, and copied to the main store when they are changed. */
import assert from "node:assert/strict";
import { create, editList, listStoredLists, loadFromImage, openStore } from "../../mod.ts";
import { encode } from "../support/images.ts";
import { makeStore, readImagesJson, type TestStore } from "../support/stores.ts";

const locking = Deno.build.os === "linux" ? "shared" : "deno-only";

/** Opens a store with an additional store. */
function openWith(at: TestStore, extra: TestStore) {
  const { root, runRoot, driver } = at;
  return openStore({ root, runRoot, driver, locking, driverOptions: [`imagestore=${extra.root}`] });
}

Deno.test("a list of an additional store is copied with all its data when it is edited", async () => {
  await using extra = await makeStore();
  await using at = await makeStore();
  const list = create();
  list.setAnnotations(undefined, { a: "1" });
  const id = await list.saveToImage(extra.store, { names: ["shared", "other"] });
  await extra.store.writeBigData(id, [{ key: "Their Item", bytes: encode("x") }]);
  const before = await readImagesJson(extra);
  await using store = await openWith(at, extra);
  assert.equal((await store.findImage(id))?.image.readOnly, true);
  await editList(store, "shared", (list) => list.setAnnotations(undefined, { b: "2" }));

  const copy = (await at.store.findImage(id, ["Their Item", "artifacts.json"]))!;
  assert.deepEqual(copy.image.names, ["localhost/shared:latest", "localhost/other:latest"]);
  assert.deepEqual(copy.data.get("Their Item"), encode("x"));
  assert.deepEqual(copy.data.get("artifacts.json"), encode("{}"));
  assert.equal((await loadFromImage(at.store, "other")).list.annotations(undefined).b, "2");
  const [own] = await readImagesJson(at);
  assert.deepEqual([own!.created, own!.digest], [before[0]!.created, before[0]!.digest]);
  // The copy hides the original, which is unchanged.
  assert.deepEqual((await loadFromImage(store, "shared")).list.annotations(undefined), { a: "1", b: "2" });
  assert.equal((await Array.fromAsync(listStoredLists(store))).length, 1);
  assert.deepEqual((await store.listImages()).map(({ readOnly }) => readOnly), [false]);
  assert.deepEqual(await readImagesJson(extra), before);
  assert.deepEqual((await loadFromImage(extra.store, "shared")).list.annotations(undefined), { a: "1" });
});

Deno.test("names of a record of an additional store are changed in a copy", async () => {
  await using extra = await makeStore();
  await using at = await makeStore();
  const id = await create().saveToImage(extra.store, { names: ["shared", "taken"] });
  const before = await readImagesJson(extra);
  await using store = await openWith(at, extra);
  const taken = await create().saveToImage(store, { names: ["taken"] });
  await store.updateNames(id, "add", ["localhost/new:1"]);
  assert.deepEqual((await store.findImage(id))?.image.names, ["localhost/new:1", "localhost/shared:latest"]);
  assert.equal((await store.findImage("localhost/taken:latest"))?.image.id, taken, "a name that is used here stays");
  await store.updateNames(id, "remove", ["localhost/shared:latest"]);
  assert.equal(await store.findImage("localhost/shared:latest"), undefined);
  assert.deepEqual(await readImagesJson(extra), before);
  await store.deleteImage(id);
  assert.equal((await store.findImage(id))?.image.readOnly, true, "the original is there again");
  await assert.rejects(store.deleteImage(id), { code: "STORE_READ_ONLY" });
  await assert.rejects(store.updateNames("f".repeat(64), "add", ["x"]), { code: "IMAGE_UNKNOWN" });
});

Deno.test("a rejected change copies nothing", async () => {
  await using extra = await makeStore();
  await using at = await makeStore();
  const id = await create().saveToImage(extra.store, { names: ["shared"] });
  await using store = await openWith(at, extra);
  const ifUnchanged = new Map([["manifest", undefined]]);
  await assert.rejects(store.writeBigData(id, [], { ifUnchanged }), { code: "LIST_CHANGED" });
  assert.equal(await at.store.findImage(id), undefined);
  const folders = (await Array.fromAsync(Deno.readDir(`${at.root}/vfs-images`))).filter(({ isDirectory }) =>
    isDirectory
  );
  assert.deepEqual(folders, []);
});

/** Gives the record of an additional store members that podman's newest `CreateImage` takes over. */
async function makeOldRecord(extra: TestStore): Promise<Record<string, unknown>> {
  const path = `${extra.root}/${extra.driver}-images/images.json`;
  const [record] = JSON.parse(await Deno.readTextFile(path));
  const changed = {
    ...record,
    digest: `sha256:${"a".repeat(64)}`,
    "names-history": [...record.names, "localhost/ancient:1"],
    created: "2020-01-02T03:04:05.123456789Z",
    metadata: '{"their":1}',
  };
  await Deno.writeTextFile(path, JSON.stringify([changed]));
  return changed;
}

Deno.test("a record that is created with the id of a record of an additional store takes over what podman 6 does", async () => {
  await using extra = await makeStore();
  await using at = await makeStore();
  const id = await create().saveToImage(extra.store, { names: ["shared", "taken"] });
  const old = await makeOldRecord(extra);
  await using store = await openWith(at, extra);
  const taken = await create().saveToImage(store, { names: ["taken"] });
  const data = [{ key: "manifest", bytes: encode({ schemaVersion: 2 }) }, { key: "own", bytes: encode("x") }];
  const made = await store.createImage({ id, names: ["localhost/new:1"], data });
  assert.deepEqual(made.names, ["localhost/shared:latest", "localhost/new:1"]);
  const own = (await readImagesJson(at)).find((record) => record.id === id)!;
  assert.deepEqual(own["names-history"], [
    "localhost/new:1",
    "localhost/shared:latest",
    "localhost/taken:latest",
    "localhost/ancient:1",
  ]);
  assert.deepEqual([own.digest, own.created, own.metadata], [old.digest, old.created, old.metadata]);
  const found = (await store.findImage(id, ["manifest", "instances.json", "own"]))!;
  assert.deepEqual(found.data.get("manifest"), data[0]!.bytes);
  assert.ok(found.data.get("instances.json"), "items that are not written are those of the other record");
  assert.deepEqual(found.data.get("own"), data[1]!.bytes);
  assert.equal((await store.findImage("localhost/taken:latest"))?.image.id, taken, "a name that is used here stays");
  await assert.rejects(store.createImage({ id, data: [] }), { code: "ID_IN_USE" });
  assert.deepEqual(await readImagesJson(extra), [old]);
});
