/** Killed at any point of a save, a store opens with the old list or the new one, here and in buildah. */
import assert from "node:assert/strict";
import { create, loadFromImage } from "../../mod.ts";
import { ok, peerTest } from "../support/peers.ts";
import { makeStore, type TestStore } from "../support/stores.ts";

const digest = (i: number) => `sha256:${i.toString(16).padStart(64, "0")}`;

/** Adds and removes an instance for ever, and makes and deletes a second list. Says "ready" before it begins. */
const EDITOR = `
import { create, editList, openStore } from "${new URL("../../mod.ts", import.meta.url).href}";
const [root, runRoot] = Deno.args;
const store = await openStore({ root, runRoot, driver: "vfs" });
// One that was killed before may have left its second list.
for (const image of await store.listImages()) {
  if (image.names.includes("localhost/other:latest")) await store.deleteImage(image.id);
}
console.log("ready");
for (;;) {
  await editList(store, "app", (list) => list.addInstance({ digest: "${digest(9)}", size: 9, mediaType: "m" }));
  await editList(store, "app", (list) => list.remove("${digest(9)}"));
  const id = await create().saveToImage(store, { names: ["other"] });
  await store.deleteImage(id);
}
`;

async function editAndKill(at: TestStore, script: string, milliseconds: number): Promise<void> {
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", config, script, at.root, at.runRoot],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = child.stdout.getReader();
  assert.equal(new TextDecoder().decode((await output.read()).value), "ready\n");
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  child.kill("SIGKILL");
  await child.status;
  await output.cancel();
}

async function checkStore(at: TestStore): Promise<number> {
  const { list, imageId } = await loadFromImage(at.store, "app");
  assert.deepEqual(list.instances().slice(0, 3), [1, 2, 3].map(digest));
  assert.ok(list.size === 3 || list.size === 4);
  const { data } = (await at.store.findImage(imageId, ["instances.json", "artifacts.json"]))!;
  for (const bytes of data.values()) JSON.parse(new TextDecoder().decode(bytes));
  assert.equal(data.size, 2);
  for (const image of await at.store.listImages()) {
    const found = await at.store.findImage(image.id, ["manifest"]);
    assert.ok(found?.data.has("manifest"), "no record without its manifest");
  }
  return list.size;
}

peerTest("kill -9 at many points of saves leaves the old list or the new", ["buildah"], async () => {
  await using at = await makeStore();
  const script = `${at.folder}/editor.ts`;
  await Deno.writeTextFile(script, EDITOR);
  const list = create();
  for (const i of [1, 2, 3]) list.addInstance({ digest: digest(i), size: i, mediaType: "m" });
  await list.saveToImage(at.store, { names: ["app"] });
  const sizes = new Set<number>();
  for (let i = 0; i < 30; i++) {
    await editAndKill(at, script, i * 1.3 % 25);
    sizes.add(await checkStore(at));
    if (i % 5 !== 0) continue;
    const shown = JSON.parse(await ok(["buildah", ...at.flags, "manifest", "inspect", "app"]));
    assert.ok([3, 4].includes(shown.manifests.length));
    await ok(["buildah", ...at.flags, "images"]);
  }
  // Where nothing was ever in between, the kills came too early or too late to tell.
  assert.ok(sizes.size > 1, "the kills hit different points");
});
