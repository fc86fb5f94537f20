/** Killed before any step up to the one that makes a save visible, a store opens with the old list or the new one, here and in buildah. */
import assert from "node:assert/strict";
import { create, loadFromImage } from "../../mod.ts";
import { ok, peerTest } from "../support/peers.ts";
import { makeStore, type TestStore } from "../support/stores.ts";

const digest = (i: number) => `sha256:${i.toString(16).padStart(64, "0")}`;

/** Makes one change, and kills itself before the n-th step that touches the disk. */
const EDITOR = `
import { create, editList, openStore } from "${new URL("../../mod.ts", import.meta.url).href}";
const [root, runRoot, change, last] = Deno.args;
let steps = 0;
const step = () => {
  if (++steps === Number(last)) Deno.kill(Deno.pid, "SIGKILL");
};
for (const name of ["open", "rename", "mkdir", "remove", "chmod"]) {
  const original = Deno[name];
  Deno[name] = (...args) => (step(), original(...args));
}
for (const name of ["write", "syncData", "sync", "close"]) {
  const original = Deno.FsFile.prototype[name];
  Deno.FsFile.prototype[name] = function (...args) {
    step();
    return original.apply(this, args);
  };
}
const store = await openStore({ root, runRoot, driver: "vfs" });
const instance = { digest: "${digest(9)}", size: 9, mediaType: "m" };
if (change === "add") await editList(store, "app", (list) => list.addInstance(instance));
if (change === "remove") await editList(store, "app", (list) => list.remove(instance.digest));
if (change === "create") await create().saveToImage(store, { names: ["other"] });
if (change === "delete") await store.deleteImage((await store.findImage("localhost/other:latest")).image.id);
console.log(steps);
`;

/** Runs a change up to a step. Returns the number of steps, or `undefined` if the process was killed. */
async function runUntil(at: TestStore, change: string, step: number): Promise<number | undefined> {
  const script = `${at.folder}/editor.js`;
  await Deno.writeTextFile(script, EDITOR);
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const args = ["run", "-A", "--no-check", "--config", config, script, at.root, at.runRoot, change, `${step}`];
  const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  if (signal === "SIGKILL") return undefined;
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return Number(new TextDecoder().decode(stdout));
}

/** Checks that everything in the store can be read, and returns what is there. */
async function readState(at: TestStore): Promise<string> {
  const { list, imageId } = await loadFromImage(at.store, "app");
  const { data } = (await at.store.findImage(imageId, ["instances.json", "artifacts.json"]))!;
  assert.equal(data.size, 2);
  for (const image of await at.store.listImages()) {
    const found = await at.store.findImage(image.id, ["manifest"]);
    assert.ok(found?.data.has("manifest"), "no record without its manifest");
  }
  const other = await at.store.findImage("localhost/other:latest");
  return `${list.size}${other ? " other" : ""}`;
}

peerTest("kill -9 before each step of every change, until it takes effect, leaves the old store or the new", [
  "buildah",
], async () => {
  await using at = await makeStore();
  const list = create();
  for (const i of [1, 2, 3]) list.addInstance({ digest: digest(i), size: i, mediaType: "m" });
  await list.saveToImage(at.store, { names: ["app"] });
  const changes: [change: string, before: string, after: string][] = [
    ["add", "3", "4"],
    ["create", "4", "4 other"],
    ["remove", "4 other", "3 other"],
    ["delete", "3 other", "3"],
  ];
  for (const [change, before, after] of changes) {
    let state = before, killed = 0;
    for (let step = 1; state === before; step++) {
      const steps = await runUntil(at, change, step);
      killed += steps === undefined ? 1 : 0;
      state = await readState(at);
      assert.ok(state === before || state === after, `${change}, step ${step}: ${state}`);
      if (state === after || step % 8 === 0) {
        await ok(["buildah", ...at.flags, "manifest", "inspect", "app"]);
        await ok(["buildah", ...at.flags, "images"]);
      }
      assert.ok(steps === undefined || state === after, `${change} was not killed, and did nothing`);
    }
    assert.ok(killed > 5, `${change} was killed ${killed} times`);
  }
});
