/** Tests which features work with which Deno permission, and the errors without it. */
import assert from "node:assert/strict";
import { create } from "../../mod.ts";
import { pushPlatforms } from "../support/images.ts";
import { type CommandResult, exec } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore } from "../support/stores.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Runs a script with these permissions and no prompt. Type checking and the environment of this run play no part. */
async function run(script: string, ...permissions: string[]): Promise<CommandResult> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, script);
  try {
    const flags = ["run", "--no-check", "--no-prompt", "--config", `${ROOT}deno.json`, ...permissions, file];
    return await exec([Deno.execPath(), ...flags], { NO_COLOR: "1" });
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("importing any portable face, and mod.ts, needs no permission", async () => {
  const faces = [
    "mod.ts",
    ...["system/remote", "service", "registry", "server", "signature", "spec", "store"].map((room) =>
      `src/${room}/mod.ts`
    ),
  ];
  const imports = faces.map((face) => `await import("file://${ROOT}${face}");`).join("\n");
  const use = `const { create } = await import("file://${ROOT}mod.ts"); console.log(create().size);`;
  assert.deepEqual(await run(imports + use), { code: 0, stdout: "0\n", stderr: "" });
});

Deno.test("the remote face pushes with --allow-net for its registries alone", async () => {
  await using registry = startEmbedded();
  const [digest] = await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }]);
  const script = `
    import { create } from "file://${ROOT}src/system/remote/mod.ts";
    const systemContext = { dockerInsecureSkipTlsVerify: true };
    const list = create();
    await list.add("${registry.host}/app@${digest}", { systemContext });
    console.log((await list.push("${registry.host}/app:list", { systemContext })).instances.size);`;
  assert.deepEqual(await run(script, `--allow-net=${registry.host}`), { code: 0, stdout: "1\n", stderr: "" });
  const denied = await run(script);
  assert.equal(denied.code, 1);
  assert.match(denied.stderr, /NotCapable|net access/);
});

Deno.test("a handler publishes with --allow-net for its registries alone", async () => {
  await using registry = startEmbedded();
  const [digest] = await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }]);
  const script = `
    import { bearerTokens, createHandler } from "file://${ROOT}src/service/mod.ts";
    using kv = await Deno.openKv(":memory:");
    const token = "a-token-for-tests";
    const handler = createHandler({
      authorize: bearerTokens([{ token }]),
      targets: ["${registry.host}/*"],
      systemContext: { dockerInsecureSkipTlsVerify: true },
      kv,
    });
    const body = { target: "${registry.host}/app:1", run: "1", expected: ["linux/amd64"], platform: "linux/amd64" };
    const response = await handler(new Request("https://handler.example/fan-in", {
      method: "POST",
      headers: { authorization: "Bearer " + token, "content-type": "application/json" },
      body: JSON.stringify({ ...body, digest: "${digest}" }),
    }));
    console.log((await response.json()).state);`;
  assert.deepEqual(await run(script, `--allow-net=${registry.host}`), { code: 0, stdout: "published\n", stderr: "" });
});

Deno.test("the main module pushes anonymously without permission to read credentials", async () => {
  await using registry = startEmbedded();
  const script = `
    import { create } from "file://${ROOT}mod.ts";
    const list = create();
    await list.addArtifact([]);
    const systemContext = { dockerInsecureSkipTlsVerify: true };
    console.log((await list.push("${registry.host}/app:1", { systemContext })).instances.size);`;
  assert.deepEqual(await run(script, `--allow-net=${registry.host}`), { code: 0, stdout: "1\n", stderr: "" });
});

Deno.test("without --allow-ffi a shared store is read, but not written unless the risk is accepted", async () => {
  await using at = await makeStore();
  await create().saveToImage(at.store, { names: ["app"] });
  const open = (locking: string) => `
    import { create, isManifestsError, loadFromImage, openStore } from "file://${ROOT}mod.ts";
    const store = await openStore({ root: "${at.root}", runRoot: "${at.runRoot}", driver: "vfs", locking: "${locking}" });
    console.log((await loadFromImage(store, "app")).list.size);
    try {
      await create().saveToImage(store, { names: ["other"] });
      console.log("saved");
    } catch (error) {
      console.log(error.code, error.message);
      if (!isManifestsError(error, "LOCK_UNAVAILABLE")) throw error;
    }`;
  const files = [`--allow-read`, `--allow-write=${at.folder}`];
  const refused = await run(open("shared"), ...files);
  assert.deepEqual([refused.code, refused.stderr], [0, ""]);
  assert.match(refused.stdout, /^0\nLOCK_UNAVAILABLE .*podman and buildah.*--allow-ffi.*deno-only/);
  assert.equal((await at.store.listImages()).length, 1);
  assert.deepEqual(await run(open("deno-only"), ...files), { code: 0, stdout: "0\nsaved\n", stderr: "" });
  await at.store.deleteImage((await at.store.findImage("localhost/other:latest"))!.image.id);
  assert.deepEqual(await run(open("shared"), ...files, "--allow-ffi"), { code: 0, stdout: "0\nsaved\n", stderr: "" });
});
