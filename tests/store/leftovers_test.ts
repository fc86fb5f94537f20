/** Leftovers of killed saves are removed by a later write once they are old. */
import assert from "node:assert/strict";
import { dirname } from "@std/path";
import { create, openStore } from "../../mod.ts";
import { makeStore } from "../support/stores.ts";

const HOUR = 3_600_000;
const OLD = new Date(Date.now() - HOUR - 60_000);
const YOUNG = new Date(Date.now() - HOUR + 60_000);

Deno.test("the first write removes old leftovers of killed saves, and nothing else", async () => {
  await using at = await makeStore();
  const id = await create().saveToImage(at.store, { names: ["kept"] });
  const images = `${at.root}/vfs-images`;
  const put = async (path: string, time: Date) => {
    const [, folder] = /^(.*)\/[^/]*$/.exec(`${images}/${path}`)!;
    await Deno.mkdir(folder!, { recursive: true });
    await Deno.writeTextFile(`${images}/${path}`, "x");
    await Deno.utime(`${images}/${path}`, time, time);
    if (folder !== images) await Deno.utime(folder!, time, time);
  };
  const [oldId, youngId] = ["a".repeat(64), "b".repeat(64)];
  await put(".tmp-images.json1", OLD);
  await put(".tmp-images.json2", YOUNG);
  await put(`${id}/=bWU=`, OLD);
  await put(`${oldId}/manifest`, OLD);
  await put(`${youngId}/manifest`, YOUNG);
  await put("other/manifest", OLD);
  await put("README", OLD);
  await at.store.findImage(id);
  assert.ok((await Deno.stat(`${images}/${oldId}`)).isDirectory, "reading removes nothing");
  // A store that is open looks for leftovers only once.
  await using store = await openStore(at);
  const fresh = await create().saveToImage(store, { names: ["new"] });
  const names = async (folder: string) => (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  assert.deepEqual(
    await names(images),
    [".tmp-images.json2", "README", youngId, fresh, id, "images.json", "images.lock", "other"].sort(),
  );
  assert.deepEqual(
    await names(`${images}/${id}`),
    ["=bWU=", "artifacts.json", "instances.json", "manifest"],
  );
});

Deno.test("a save puts its temporary files into the folder of images.json, where later saves look for leftovers", async () => {
  await using at = await makeStore();
  const { rename } = Deno;
  const folders: string[] = [];
  Deno.rename = async (from, to) => {
    folders.push(dirname(String(from)));
    await rename(from, to);
  };
  try {
    await create().saveToImage(at.store, { names: ["new"] });
  } finally {
    Deno.rename = rename;
  }
  assert.ok(folders.length > 1);
  assert.deepEqual([...new Set(folders)], [`${at.root}/vfs-images`]);
});
