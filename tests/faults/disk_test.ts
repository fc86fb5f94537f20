/** Disks that are full, or may not be written: a clear error, and everything as it was. */
import assert from "node:assert/strict";
import { create, editList, loadFromImage, openStore } from "../../mod.ts";
import { withDisk } from "../support/disks.ts";
import { ok, peerTest } from "../support/peers.ts";

const tools = ["mount", "root"];
const digest = (i: number) => `sha256:${i.toString(16).padStart(64, "0")}`;

async function contents(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) Object.assign(found, await contents(path));
    else if (name !== "images.lock") found[path.slice(path.indexOf("/root/"))] = await Deno.readTextFile(path);
  }
  return found;
}

peerTest("a full disk fails a save with STORE_IO and changes nothing", tools, async () => {
  await withDisk("size=256k", async (folder) => {
    const store = await openStore({ root: `${folder}/root`, runRoot: `${folder}/run`, driver: "vfs" });
    const list = create();
    list.addInstance({ digest: digest(1), size: 1, mediaType: "m" });
    await list.saveToImage(store, { names: ["app"] });
    const before = await contents(`${folder}/root/vfs-images`);
    const grow = editList(store, "app", (list) => {
      for (let i = 2; i < 5_000; i++) list.addInstance({ digest: digest(i), size: i, mediaType: "m" });
    });
    await assert.rejects(grow, { code: "STORE_IO", message: /Cannot write image .* in \[vfs@/ });
    assert.deepEqual(await contents(`${folder}/root/vfs-images`), before);
    assert.equal((await loadFromImage(store, "app")).list.size, 1);
    const huge = create();
    for (let i = 2; i < 5_000; i++) huge.addInstance({ digest: digest(i), size: i, mediaType: "m" });
    await assert.rejects(huge.saveToImage(store, { names: ["huge"] }), { code: "STORE_IO" });
    assert.deepEqual((await store.listImages()).flatMap(({ names }) => names), ["localhost/app:latest"]);
  });
});

peerTest("in a store without write permission a save fails with STORE_IO, and reads work", tools, async () => {
  await withDisk("size=1m", async (folder) => {
    const store = await openStore({ root: `${folder}/root`, runRoot: `${folder}/run`, driver: "vfs" });
    await create().saveToImage(store, { names: ["app"] });
    await ok(["mount", "-o", "remount,ro", folder]);
    await assert.rejects(create().saveToImage(store, { names: ["b"] }), {
      code: "STORE_IO",
      message: /Read-only file system/,
    });
    await assert.rejects(editList(store, "app", () => {}), { code: "STORE_IO" });
    assert.equal((await loadFromImage(store, "app")).list.size, 0);
  });
});

Deno.test("a store with damaged records fails with an error that names the file, and is never written", async () => {
  const folder = await Deno.makeTempDir();
  const store = await openStore({ root: `${folder}/root`, runRoot: `${folder}/run`, driver: "vfs" });
  await create().saveToImage(store, { names: ["app"] });
  const path = `${folder}/root/vfs-images/images.json`;
  const good = await Deno.readTextFile(path);
  const broken = [
    good.slice(0, 40),
    good.replace(/"created":"[^"]*"/, '"created":5'),
    good.replace(/"created":"[^"]*"/, '"created":"yesterday"'),
    good.replace(/"digest":"[^"]*"/, '"digest":"sha256:x"'),
    good.replace(/"names":\[/, '"names":[3,'),
    "[null]",
    "{}",
  ];
  for (const text of broken) {
    await Deno.writeTextFile(path, text);
    const fresh = await openStore({ root: `${folder}/root`, runRoot: `${folder}/run`, driver: "vfs" });
    await assert.rejects(fresh.listImages(), { code: "STORE_CORRUPT", message: /images\.json/ }, text);
    await assert.rejects(create().saveToImage(fresh, { names: ["b"] }), { code: "STORE_CORRUPT" });
    assert.equal(await Deno.readTextFile(path), text);
  }
  for (const text of ["", "null", "[]"]) {
    await Deno.writeTextFile(path, text);
    const fresh = await openStore({ root: `${folder}/root`, runRoot: `${folder}/run`, driver: "vfs" });
    assert.deepEqual(await fresh.listImages(), []);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a list without instances.json, or with a broken one, is not loaded", async () => {
  const folder = await Deno.makeTempDir();
  const store = await openStore({ root: `${folder}/root`, runRoot: `${folder}/run`, driver: "vfs" });
  const id = await create().saveToImage(store, { names: ["app"] });
  const item = (name: string) => `${folder}/root/vfs-images/${id}/${name}`;
  for (const text of ["{", "[]", '{"x":"y"}', `{"${digest(1)}":5}`]) {
    await Deno.writeTextFile(item("instances.json"), text);
    await assert.rejects(loadFromImage(store, "app"), { code: "INVALID_JSON" }, text);
  }
  await Deno.remove(item("instances.json"));
  await assert.rejects(loadFromImage(store, "app"), { code: "STORE_CORRUPT", message: /instances\.json/ });
  await Deno.writeTextFile(item("instances.json"), "{}");
  await Deno.remove(item("artifacts.json"));
  assert.equal((await loadFromImage(store, "app")).list.size, 0);
  for (const text of ["[]", '{"manifests":5}', '{"files":{"a":["b",5]}}', '{"blobs":{"a":"%"}}']) {
    await Deno.writeTextFile(item("artifacts.json"), text);
    await assert.rejects(loadFromImage(store, "app"), { code: "INVALID_JSON" }, text);
  }
  await Deno.remove(folder, { recursive: true });
});
