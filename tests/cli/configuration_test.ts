/** Effects of configuration files on the command line. */
import assert from "node:assert/strict";
import { create } from "../../mod.ts";
import { cli, cliOk } from "../support/cli.ts";
import { writeTree } from "../support/config_files.ts";
import { clientOf, pushPlatforms } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore } from "../support/stores.ts";

Deno.test("push takes the defaults of flags from containers.conf", async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const [digest] = await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }]);
  const list = create();
  await list.add(`${registry.host}/app@${digest}`, { systemContext: { dockerInsecureSkipTlsVerify: true } });
  await list.saveToImage(at.store, { names: ["list"] });
  await writeTree(at.folder, {
    "containers.conf": '[engine]\nadd_compression = ["zstd"]',
    "broken.conf": "[engine]\n\nretry = 'often'",
  });
  const push = (name: string, ...flags: string[]) => [
    ...at.flags,
    ...["push", "--tls-verify=false", ...flags, "list", `${registry.host}/${name}:1`],
  ];
  const compressions = async (name: string) => {
    const { bytes } = await clientOf(registry.host).repository(name).getManifest("1");
    const { manifests } = JSON.parse(new TextDecoder().decode(bytes));
    return manifests.map((entry: { annotations?: object }) => entry.annotations !== undefined);
  };
  const env = { CONTAINERS_CONF: `${at.folder}/containers.conf` };
  await cliOk(push("silent"), env);
  assert.deepEqual(await compressions("silent"), [false, true]);
  await cliOk(push("said", "--add-compression", "gzip"), env);
  assert.deepEqual(await compressions("said"), [false]);
  await cliOk(push("none"), { CONTAINERS_CONF: "" });
  assert.deepEqual(await compressions("none"), [false]);
  const broken = await cli(push("broken"), { CONTAINERS_CONF: `${at.folder}/broken.conf` });
  assert.equal(broken.code, 125);
  assert.match(broken.stderr, new RegExp(`${at.folder}/broken\\.conf:3: engine\\.retry must be a whole number`));
});

Deno.test("every command reports a broken registries.conf with its line", async () => {
  await using at = await makeStore();
  await writeTree(at.folder, { "r.conf": '\n[[registry]]\nlocation = "https://a.test"' });
  const flags = [...at.flags, "--registries-conf", `${at.folder}/r.conf`];
  await create().saveToImage(at.store, { names: ["list"] });
  for (const args of [["inspect", "docker://a.test/x"], ["push", "list", "a.test/x:1"], ["exists", "short"]]) {
    const { code, stderr } = await cli([...flags, ...args]);
    assert.equal(code, 125, args[0]);
    assert.match(stderr, new RegExp(`${at.folder}/r\\.conf:3: registry\\[0\\]\\.location`), args[0]);
  }
});
