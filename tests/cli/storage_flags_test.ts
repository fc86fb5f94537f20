/** Every command finds `containers-storage:NAME` in the store that the flags, the environment or storage.conf name. */
import assert from "node:assert/strict";
import { copyImage, create } from "../../mod.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { cliHere } from "../support/cli.ts";
import { clientOf, makeImage, pushImage } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore, storageName, type TestStore } from "../support/stores.ts";

const IMAGE = "containers-storage:localhost/only:1", LIST = "containers-storage:localhost/stored:latest";

/** A registry with `app:1`, and two stores: one with that image and a list, and an empty one. */
async function makeWorld() {
  const stack = new AsyncDisposableStack();
  const registry = stack.use(startEmbedded());
  const image = makeImage({ architecture: "amd64" });
  await pushImage(clientOf(registry.host).repository("app"), image, "1");
  const [full, empty] = [stack.use(await makeStore()), stack.use(await makeStore())];
  await copyImage(`docker://${registry.host}/app:1`, storageName(full, "localhost/only:1"), {
    systemContext: { dockerInsecureSkipTlsVerify: true },
    signaturePolicy: acceptAnything,
  });
  await create().saveToImage(full.store, { names: ["stored"] });
  return { registry, image, full, empty, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Writes a storage.conf and returns the environment that names it. */
async function configure({ folder }: TestStore, { root, runRoot }: TestStore, driver = "vfs") {
  const path = await Deno.makeTempFile({ dir: folder, suffix: ".conf" });
  const text = `[storage]\ndriver = "${driver}"\ngraphroot = "${root}"\nrunroot = "${runRoot}"\n`;
  await Deno.writeTextFile(path, text);
  return { CONTAINERS_STORAGE_CONF: path };
}

peerTest("every command with an image in the local store takes the flags that name the store", ["root"], async () => {
  await using world = await makeWorld();
  const { registry, full, empty, image: { digest } } = world;
  // The store of the configuration has none of the names; neither has the driver of the second one.
  const elsewhere = await configure(full, empty), otherDriver = await configure(full, full, "overlay");
  const options: [flags: string[], env: Record<string, string>][] = [
    [[], await configure(full, full)],
    [full.flags, elsewhere],
    [["--root", full.root], elsewhere],
    [["--storage-driver", "vfs"], otherDriver],
    [["--storage-opt", `vfs.imagestore=${full.root}`], elsewhere],
    [["--imagestore", full.root], elsewhere],
    [["--root", full.root, "--runroot", `${full.folder}/locks`], { ...otherDriver, STORAGE_DRIVER: "vfs" }],
    [[], { ...elsewhere, STORAGE_OPTS: `vfs.imagestore=${full.root}` }],
  ];
  const target = `docker://${registry.host}/made`;
  const release = `${full.folder}/manifests.yaml`;
  await Deno.writeTextFile(
    release,
    JSON.stringify({ version: 1, releases: { app: { to: [`${registry.host}/made:r`], sources: [IMAGE] } } }),
  );
  const insecure = "--tls-verify=false";
  const commands: (i: number) => string[][] = (i) => [
    ["inspect", IMAGE],
    ["inspect", "--raw", IMAGE],
    ["inspect", "--config", IMAGE],
    ["inspect", "--format", "table", IMAGE],
    ["inspect", LIST],
    ["digest", IMAGE],
    ["validate", IMAGE],
    ["diff", LIST, LIST],
    ["copy", "-q", "--insecure-policy", IMAGE, `oci:${full.folder}/layout:${i}`],
    ["verify", IMAGE, "--signature-policy", `${full.folder}/policy.json`],
    ["compose", "-q", insecure, "-t", `${target}:c${i}`, IMAGE],
    ["compose", "-q", insecure, "-t", `${target}:s${i}`, "--subject", IMAGE, `docker://${registry.host}/app:1`],
    ["append", insecure, "--tag", `a${i}`, `${target}:c${i}`, IMAGE],
    ["annotate", insecure, "--index", "--subject", IMAGE, `${target}:c${i}`],
    ["release", "apply", insecure, "--quiet", "--file", release],
    // These write to the store.
    ["create", `made${i}`, IMAGE],
    ["add", `made${i}`, IMAGE],
    ["annotate", "--index", "--subject", IMAGE, `made${i}`],
    ["tag", IMAGE, `more${i}`],
    ["push", "-q", insecure, `made${i}`, `containers-storage:localhost/pushed${i}:1`],
    ["exists", `pushed${i}:1`],
    ["rm", `made${i}`, `pushed${i}:1`],
    ["copy", "-q", "--insecure-policy", insecure, `docker://${registry.host}/app:1`, `containers-storage:new:${i}`],
    ["delete", `containers-storage:new:${i}`],
  ];
  await Deno.writeTextFile(`${full.folder}/policy.json`, '{"default":[{"type":"insecureAcceptAnything"}]}');
  for (const [i, [flags, env]] of options.entries()) {
    for (const args of commands(i)) {
      const { code, stdout, stderr } = await cliHere([...flags, ...args], env);
      assert.equal(code, 0, `${[...flags, ...args].join(" ")} with ${JSON.stringify(env)}: ${stderr}`);
      if (args[0] === "digest") assert.equal(stdout.trim(), digest);
    }
  }
  assert.ok((await Deno.stat(`${full.folder}/locks/vfs-locks`)).isDirectory);
});

peerTest("the store in a name is stronger than the flags, and the error names an image that does not exist", [
  "root",
], async () => {
  await using world = await makeWorld();
  const { full, empty } = world;
  const env = await configure(full, empty);
  const image = storageName(full, "localhost/only:1"), list = storageName(full, "localhost/stored:latest");
  const rows = [["inspect", image], ["inspect", "--raw", image], ["digest", image], ["digest", list], [
    "validate",
    image,
  ], ["diff", list, list]];
  for (const args of rows) {
    const { code, stderr } = await cliHere([...empty.flags, ...args], env);
    assert.equal(code, 0, `${args.join(" ")}: ${stderr}`);
  }
  const gone = await cliHere([...full.flags, "inspect", "containers-storage:localhost/none:1"], env);
  assert.match(gone.stderr, /does not resolve to an image ID/);
});
