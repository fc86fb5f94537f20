/** Short names in a store are resolved by `registries.conf` as podman resolves them. */
import assert from "node:assert/strict";
import { create, openStore } from "../../mod.ts";
import { findLocalImage } from "../../src/store/room.ts";
import { cli, cliOk } from "../support/cli.ts";
import { exec, ok, peerTest } from "../support/peers.ts";
import { writeTree } from "../support/config_files.ts";
import { startRecorded } from "../support/recorded_registries.ts";
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

Deno.test("a store that was opened without a path of registries.conf reads it when it is first needed", async () => {
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

peerTest("a short name that is not in the store is looked up at the places that podman uses", ["podman"], async () => {
  await using at = await makeStore();
  await using one = startRecorded();
  await using two = startRecorded();
  const list = create();
  await list.addArtifact([]);
  const systemContext = { dockerInsecureSkipTlsVerify: true };
  await list.push(`${two.host}/app:1`, { systemContext });
  await list.push(`${two.host}/ns/application:1`, { systemContext });
  await writeTree(at.folder, {
    "registries.conf": `
      unqualified-search-registries = ["${one.host}", "${two.host}"]
      [[registry]]
      location = "${one.host}"
      insecure = true
      [[registry]]
      location = "${two.host}"
      insecure = true
      [aliases]
      alias = "${two.host}/ns/application"`,
    "enforcing.conf": `short-name-mode = "enforcing"\nunqualified-search-registries = ["${one.host}", "${two.host}"]`,
    "nothing.conf": "",
    "empty.d/.keep": "",
  });
  const rows: [conf: string, name: string, asked: string[], ok: boolean][] = [
    ["registries", "app:1", ["one app:1 -", "two app:1 -"], true],
    ["registries", "alias:1", ["two ns/application:1 -"], true],
    ["registries", "alias:2", ["two ns/application:2 -"], false],
    ["registries", "none:1", ["one none:1 -", "two none:1 -"], false],
    ["enforcing", "app:1", [], false],
    ["nothing", "app:1", [], false],
  ];
  for (const [conf, name, asked, found] of rows) {
    const env = { CONTAINERS_REGISTRIES_CONF: `${at.folder}/${conf}.conf` };
    const flags = ["--registries-conf", `${at.folder}/${conf}.conf`, "--registries-conf-dir", `${at.folder}/empty.d`];
    const runs = [
      () => exec(["podman", ...at.flags, "manifest", "inspect", name], env),
      () => cli([...at.flags, ...flags, "manifest", "inspect", name]),
    ];
    for (const [i, run] of runs.entries()) {
      one.asked.length = two.asked.length = 0;
      const { code, stdout, stderr } = await run();
      const seen = Object.entries({ one, two }).flatMap(([name, { asked }]) =>
        [...new Set(asked)].map((what) => `${name} ${what}`)
      );
      const row = `${["podman", "ours"][i]} ${conf} ${name}: ${stderr}`;
      assert.deepEqual([code === 0, seen], [found, asked], row);
      if (found) assert.deepEqual(JSON.parse(stdout).manifests.length, 1, row);
    }
  }
});
