/** What short names mean in a store, by `registries.conf`: what they mean for podman. */
import assert from "node:assert/strict";
import { create, findLocalImage, openStore } from "../../mod.ts";
import { cliOk } from "../support/cli.ts";
import { ok, peerTest } from "../support/peers.ts";
import { writeTree } from "../support/config_files.ts";
import { makeStore } from "../support/stores.ts";

peerTest("a short name is found in a store under the names that podman tries, in its order", ["podman"], async () => {
  await using at = await makeStore();
  await writeTree(at.folder, {
    "registries.conf":
      'unqualified-search-registries = ["one.test", "two.test:5000"]\n[aliases]\napp = "alias.test/ns/application"',
    "empty.d/.keep": "",
  });
  const env = { CONTAINERS_REGISTRIES_CONF: `${at.folder}/registries.conf` };
  const inOrder = [
    "alias.test/ns/application:1",
    "localhost/app:1",
    "one.test/app:1",
    "two.test:5000/app:1",
    "docker.io/library/app:1",
  ];
  const save = async () => {
    for (const name of inOrder.toReversed()) await create().saveToImage(at.store, { names: [name] });
  };
  const systemContext = {
    systemRegistriesConfPath: env.CONTAINERS_REGISTRIES_CONF,
    systemRegistriesConfDirPath: `${at.folder}/empty.d`,
    userShortNameAliasConfPath: `${at.folder}/none.conf`,
  };
  const { root, runRoot, driver } = at;
  await using store = await openStore({ root, runRoot, driver, locking: "shared", systemContext });
  await save();
  for (const name of inOrder) {
    assert.equal((await findLocalImage(store, "app:1"))?.resolvedName, name);
    const removed = await ok(["podman", ...at.flags, "manifest", "rm", "app:1"], env);
    assert.match(removed, new RegExp(`Untagged: ${name}\n`));
  }
  assert.equal(await findLocalImage(store, "app:1"), undefined);

  await save();
  for (const name of inOrder) {
    await cliOk([...at.flags, "manifest", "rm", "app:1"], env);
    assert.equal(await at.store.findImage(name), undefined, name);
  }
});

Deno.test("a store that was opened without saying where registries.conf is reads nothing before it is asked", async () => {
  const folder = await Deno.makeTempDir();
  const systemContext = { systemRegistriesConfPath: `${folder}/none.conf` };
  await using store = await openStore({
    root: `${folder}/root`,
    runRoot: `${folder}/run`,
    driver: "vfs",
    systemContext,
  });
  assert.equal(await findLocalImage(store, "quay.test/app:1"), undefined);
  await assert.rejects(findLocalImage(store, "app"), { code: "CONFIG_FILE_UNREADABLE" });
  await Deno.remove(folder, { recursive: true });
});
