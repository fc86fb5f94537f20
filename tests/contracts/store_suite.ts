/** Contract of image stores, which runs on every implementation. */
import assert from "node:assert/strict";
import { create, editList, loadFromImage, lockerForImage } from "../../mod.ts";
import { digestOf } from "../../src/spec/room.ts";
import { findLocalImage, type ImageStore } from "../../src/store/room.ts";
import { encode } from "../support/images.ts";
import { abortOnWait } from "../support/timers.ts";

/** A store that is created for one test. */
export interface SuiteStore extends AsyncDisposable {
  store: ImageStore;
}

const NAME = "localhost/app:1";

export function runStoreSuite(name: string, open: () => Promise<SuiteStore>): void {
  const test = (title: string, fn: (store: ImageStore) => Promise<void>) =>
    Deno.test(`${name}: ${title}`, async () => {
      await using opened = await open();
      await fn(opened.store);
    });
  const manifest = (text: string) => ({ key: "manifest", bytes: encode(text) });

  test("a record is found by id, name and prefix, with its data", async (store) => {
    const image = await store.createImage({
      names: [NAME],
      data: [manifest("{}"), { key: "a b", bytes: encode("x") }],
    });
    for (const key of [image.id, NAME, image.id.slice(0, 8)]) {
      const found = await store.findImage(key, ["manifest", "a b", "gone"]);
      assert.equal(found?.image.id, image.id);
      assert.deepEqual([...found.data.keys()], ["manifest", "a b"]);
      assert.deepEqual(found.data.get("a b"), encode("x"));
    }
    assert.match(image.id, /^[0-9a-f]{64}$/);
    assert.deepEqual(image.digests, [digestOf(encode("{}"))]);
    for (const key of ["", "app", "localhost/app", "zzz"]) assert.equal(await store.findImage(key), undefined);
  });

  test("ids and names are unique", async (store) => {
    const { id } = await store.createImage({ names: [NAME], data: [] });
    await assert.rejects(store.createImage({ id, data: [] }), { code: "ID_IN_USE" });
    await assert.rejects(store.createImage({ names: ["localhost/b:1", NAME], data: [] }), { code: "NAME_IN_USE" });
    assert.equal((await store.listImages()).length, 1);
  });

  test("data is replaced, optionally only if it is as expected", async (store) => {
    const { id } = await store.createImage({ data: [manifest("1")] });
    await store.writeBigData(id, [manifest("2"), { key: "x", bytes: encode("y") }]);
    const stale = new Map([["manifest", digestOf(encode("1"))]]);
    await assert.rejects(store.writeBigData(id, [manifest("3")], { ifUnchanged: stale }), { code: "LIST_CHANGED" });
    await store.writeBigData(id, [manifest("4")], {
      ifUnchanged: new Map([["manifest", digestOf(encode("2"))], ["gone", undefined]]),
    });
    const found = (await store.findImage(id, ["manifest", "x"]))!;
    assert.deepEqual(found.data.get("manifest"), encode("4"));
    assert.deepEqual(found.data.get("x"), encode("y"));
    // The digest of the record is the first one that it ever had.
    assert.deepEqual(found.image.digests, [digestOf(encode("1")), digestOf(encode("4"))]);
    await assert.rejects(store.writeBigData("f".repeat(64), []), { code: "IMAGE_UNKNOWN" });
  });

  test("names are added in front, set, removed, and taken from others", async (store) => {
    const first = await store.createImage({ names: ["localhost/a:1", "localhost/b:1"], data: [] });
    const second = await store.createImage({ data: [] });
    const names = async (id: string) => (await store.findImage(id))!.image.names;
    await store.updateNames(second.id, "add", ["localhost/c:1"]);
    await store.updateNames(second.id, "add", ["localhost/a:1"]);
    assert.deepEqual(await names(second.id), ["localhost/a:1", "localhost/c:1"]);
    assert.deepEqual(await names(first.id), ["localhost/b:1"]);
    await store.updateNames(second.id, "remove", ["localhost/c:1", "localhost/none:1"]);
    assert.deepEqual(await names(second.id), ["localhost/a:1"]);
    await store.updateNames(second.id, "set", []);
    assert.deepEqual(await names(second.id), []);
    await assert.rejects(store.updateNames("f".repeat(64), "add", ["x"]), { code: "IMAGE_UNKNOWN" });
  });

  test("a record whose stored name is not fully qualified is found by that name", async (store) => {
    const id = await create().saveToImage(store);
    await store.updateNames(id, "set", ["foo", "bar:1", "Upper/Case", "quay.io/x"]);
    for (const name of ["foo", "bar:1", "Upper/Case", "quay.io/x", "containers-storage:foo"]) {
      assert.equal((await findLocalImage(store, name))?.resolvedName, name.replace("containers-storage:", ""), name);
      assert.equal((await loadFromImage(store, name)).imageId, id);
    }
    for (const name of ["fo", "foo:1", "bar", "localhost/foo"]) {
      assert.equal(await findLocalImage(store, name), undefined, name);
    }
    // A fully qualified name comes first, as for podman.
    const full = await create().saveToImage(store, { names: ["foo"] });
    assert.equal((await findLocalImage(store, "foo"))?.image.id, full);
  });

  test("a deleted record is gone", async (store) => {
    const { id } = await store.createImage({ names: [NAME], data: [manifest("1")] });
    await store.deleteImage(id);
    assert.equal(await store.findImage(NAME), undefined);
    await assert.rejects(store.deleteImage(id), { code: "IMAGE_UNKNOWN" });
    await store.createImage({ names: [NAME], data: [] });
  });

  test("short names find the same image as in podman", async (store) => {
    const { id } = await store.createImage({ names: ["localhost/app:latest", "quay.io/me/tool:2"], data: [] });
    const texts = [
      "app",
      "app:latest",
      "localhost/app",
      "localhost/app:latest",
      "quay.io/me/tool:2",
      "tool:2",
      "me/tool:2",
      id,
      `sha256:${id}`,
      id.slice(0, 5),
      "containers-storage:localhost/app:latest",
    ];
    for (const text of texts) assert.equal((await findLocalImage(store, text))?.image.id, id, text);
    for (const text of ["tool", "docker.io/library/app", "ap", "quay.io/me/tool", "", "UPPER"]) {
      assert.equal(await findLocalImage(store, text), undefined, text);
    }
    await assert.rejects(findLocalImage(store, "docker://app"), { code: "UNSUPPORTED_TRANSPORT" });
  });

  test("a list is saved, loaded and saved again", async (store) => {
    const list = create();
    list.addInstance({ digest: `sha256:${"1".repeat(64)}`, size: 1, mediaType: "m" });
    const imageId = await list.saveToImage(store, { names: ["app:1"] });
    const loaded = await loadFromImage(store, NAME);
    assert.equal(loaded.imageId, imageId);
    assert.deepEqual(loaded.list.serialize(), list.serialize());
    loaded.list.remove(`sha256:${"1".repeat(64)}`);
    assert.equal(await loaded.list.saveToImage(store), imageId);
    assert.equal((await loadFromImage(store, imageId)).list.size, 0);
    await assert.rejects(list.saveToImage(store), { code: "LIST_CHANGED" });
    await assert.rejects(create().saveToImage(store, { names: ["app:1"] }), { code: "NAME_IN_USE" });
    await assert.rejects(create().saveToImage(store, { names: ["UPPER"] }), { code: "INVALID_REFERENCE" });
    assert.equal((await store.listImages()).length, 1);
  });

  test("an image that is not a list, and an unknown one, cannot be loaded", async (store) => {
    const image = '{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json"}}';
    await store.createImage({ names: [NAME], data: [manifest(image)] });
    await assert.rejects(loadFromImage(store, NAME), { code: "NOT_A_MANIFEST_LIST" });
    await assert.rejects(loadFromImage(store, "nothing"), { code: "LIST_IMAGE_UNKNOWN" });
    await assert.rejects(lockerForImage(store, "nothing"), { code: "LIST_IMAGE_UNKNOWN" });
    await assert.rejects(editList(store, "nothing", () => {}), { code: "LIST_IMAGE_UNKNOWN" });
  });

  test("a lock excludes others until its guard is disposed or they abort", async (store) => {
    const { id } = await store.createImage({ names: [NAME], data: [] });
    const guard = await (await lockerForImage(store, NAME)).lock();
    const again = await lockerForImage(store, id);
    await assert.rejects(again.lock({ signal: abortOnWait() }), { name: "TimeoutError" });
    const waiting = again.lock();
    await guard[Symbol.asyncDispose]();
    await (await waiting)[Symbol.asyncDispose]();
  });

  test("concurrent edits are all kept", async (store) => {
    await create().saveToImage(store, { names: ["app:1"] });
    const digests = Array.from({ length: 12 }, (_, i) => `sha256:${i.toString(16).repeat(64).slice(0, 64)}`);
    await Promise.all(digests.map((digest) =>
      editList(store, "app:1", async (list) => {
        await Promise.resolve();
        list.addInstance({ digest, size: 1, mediaType: "m" });
      })
    ));
    const { list } = await loadFromImage(store, "app:1");
    assert.deepEqual(list.instances().toSorted(), digests.toSorted());
  });

  test("a save ignores changes of the list after it began", async (store) => {
    const list = create();
    const digest = `sha256:${"1".repeat(64)}`;
    const saving = list.saveToImage(store, { names: ["app:1"] });
    list.addInstance({ digest, size: 1, mediaType: "m" });
    await saving;
    assert.equal((await loadFromImage(store, "app:1")).list.size, 0);
    await list.saveToImage(store);
    assert.deepEqual((await loadFromImage(store, "app:1")).list.instances(), [digest]);
  });

  test("a failed edit changes nothing", async (store) => {
    await create().saveToImage(store, { names: ["app:1"] });
    const failing = editList(store, "app:1", (list) => {
      list.setAnnotations(undefined, { a: "b" });
      throw new Error("changed my mind");
    });
    await assert.rejects(failing, /changed my mind/);
    assert.deepEqual((await loadFromImage(store, "app:1")).list.annotations(undefined), {});
    await editList(store, "app:1", (list) => list.setAnnotations(undefined, { c: "d" }));
  });

  test("an edit that races with a writer without the lock is repeated", async (store) => {
    const imageId = await create().saveToImage(store, { names: ["app:1"] });
    let runs = 0;
    await editList(store, "app:1", async (list) => {
      if (++runs === 1) {
        const other = (await loadFromImage(store, imageId)).list;
        other.setAnnotations(undefined, { other: "1" });
        await other.saveToImage(store);
      }
      list.setAnnotations(undefined, { mine: "1" });
    });
    assert.equal(runs, 2);
    assert.deepEqual((await loadFromImage(store, imageId)).list.annotations(undefined), { other: "1", mine: "1" });
  });
}
