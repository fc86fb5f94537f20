/** Releases of layouts and folders of digests on the disk, with paths that begin at the release file. */
import assert from "node:assert/strict";
import { createReleaseHost, openLockFile, readReleaseFile } from "../../src/release/files/room.ts";
import { applyFile, lockFile, planFile } from "../../src/release/room.ts";
import { copyImage } from "../../src/system/local/room.ts";
import { makeReleaseWorld } from "../support/release_world.ts";
import { acceptAnything } from "../../src/signature/room.ts";

/** A folder with `release/FILE`, and calls for it. */
async function makeFolder(text: string, to: string[] = []) {
  const world = await makeReleaseWorld();
  const folder = await Deno.makeTempDir({ prefix: "release-" });
  await Deno.mkdir(`${folder}/release`);
  const path = `${folder}/release/manifests.yaml`;
  await Deno.writeTextFile(path, text);
  const loaded = await readReleaseFile({ path, to });
  const host = createReleaseHost(loaded.folder);
  const lock = openLockFile(loaded.lockPath);
  const { systemContext } = world;
  const saveLayout = async (name: string, tag: string) => {
    const target = `oci:${folder}/release/${name}`;
    await copyImage(`docker://a.example/app:${tag}`, target, { systemContext, signaturePolicy: acceptAnything });
  };
  return {
    world,
    folder: loaded.folder,
    saveLayout,
    plan: async (options = {}) => await planFile(host, loaded.file, await lock.read(), { ...options, systemContext }),
    pin: () => lockFile(host, loaded.file, lock, { systemContext }),
    apply: (options = {}) => applyFile(host, loaded.file, lock, { ...options, systemContext }),
    readLock: async () => JSON.parse(await Deno.readTextFile(loaded.lockPath)),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("a list of layouts is published, and a layout that changes after the lock is an error until it is updated", async () => {
  await using at = await makeFolder("- oci:amd64\n- oci:arm64\n", ["b.example/app:1"]);
  const { world } = at;
  for (const name of ["amd64", "arm64"]) await at.saveLayout(name, name);
  await at.pin();
  assert.deepEqual(Object.keys((await at.readLock()).releases.app.sources), ["oci:amd64", "oci:arm64"]);
  const { releases: [app] } = await at.apply({ frozen: true });
  assert.deepEqual(app!.entries.map(({ platform }) => platform), ["linux/amd64", "linux/arm64"]);
  assert.equal(await world.digestOf("b.example/app:1"), app!.index);
  assert.equal((await at.plan()).summary.keep, 1);
  await world.push("a.example/app:amd64", "amd64", "built again");
  await Deno.remove(`${at.folder}/amd64`, { recursive: true });
  await at.saveLayout("amd64", "amd64");
  await assert.rejects(at.plan(), {
    code: "LOCK_OUTDATED",
    message:
      /^Cannot make the release app: oci:amd64 is sha256:.*, but the lock file has sha256:.*: run it with --update$/,
  });
  assert.equal((await at.plan({ update: true })).summary.move, 1);
});

Deno.test("a folder of digests names the images, in the order of their platforms", async () => {
  await using at = await makeFolder(
    "version: 1\nreleases:\n  app: { to: [a.example/app:1], digests: { dir: digests, repository: a.example/app } }\n",
  );
  await assert.rejects(at.plan(), /Cannot read the digests in ".*release\/digests": /);
  await Deno.mkdir(`${at.folder}/digests`);
  for (const tag of ["arm64", "amd64"]) {
    await Deno.writeTextFile(`${at.folder}/digests/${(await at.world.digestOf(`a.example/app:${tag}`))!.slice(7)}`, "");
  }
  const { releases: [app] } = await at.apply({ frozen: true });
  assert.deepEqual(app!.entries.map(({ platform }) => platform), ["linux/amd64", "linux/arm64"]);
  assert.equal((await at.plan({ frozen: true })).summary.keep, 1);
});
