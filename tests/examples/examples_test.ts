/** The scripts of `examples/`, run with the permissions that their comments name. */
import assert from "node:assert/strict";
import { createMemoryStorage } from "../../src/server/room.ts";
import { generateSigstoreKeyPair, openSigstoreSigner } from "../../src/signature/room.ts";
import { composeIndex, inspectIndex } from "../../src/system/remote/room.ts";
import { pushBuildKit } from "../support/buildkit.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf, encode, makeImage, pushImage, pushPlatforms } from "../support/images.ts";
import { type CommandResult, exec, ok } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore } from "../support/stores.ts";
import { platformTexts } from "../support/platform_texts.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url).pathname;
const systemContext = { dockerInsecureSkipTlsVerify: true, dockerUseSigstoreAttachments: true };

/** Runs a script: flags of `deno run`, then, after the script's name, its arguments. */
async function run(
  flags: string[],
  [script, ...args]: string[],
  env: Record<string, string> = {},
): Promise<CommandResult> {
  const command = [Deno.execPath(), "run", "--quiet", "--no-prompt", ...flags, `${EXAMPLES}${script}`, ...args];
  return await exec(command, { NO_COLOR: "1", ...env });
}

const inspect = (image: string) => inspectIndex(image, { systemContext });

Deno.test("compose_release.ts composes an index of the images of a version, and moves latest to it", async () => {
  const storage = createMemoryStorage();
  await using open = startEmbedded({ storage });
  await using guarded = startEmbedded({ storage, access: { scheme: "bearer", users: { me: "secret" } } });
  for (const architecture of ["amd64", "arm64"]) {
    await pushImage(clientOf(open.host).repository("app"), makeImage({ architecture }), `1.0-${architecture}`);
  }
  const flags = [`--allow-net=${guarded.host}`, "--allow-env=REGISTRY_USER,REGISTRY_PASSWORD"];
  const script = ["compose_release.ts", `${guarded.host}/app`, "1.0", "amd64", "arm64", "--insecure"];
  const env = { REGISTRY_USER: "me", REGISTRY_PASSWORD: "secret" };
  const stranger = await run(flags, script, { ...env, REGISTRY_PASSWORD: "guess" });
  assert.equal(stranger.code, 1);
  const { code, stdout, stderr } = await run(flags, script, env);
  assert.deepEqual([code, stderr], [0, ""]);
  const { digest, annotations, instances } = await inspect(`${open.host}/app:latest`);
  assert.equal(stdout, `${guarded.host}/app@${digest}\n`);
  assert.equal((await inspect(`${open.host}/app:1.0`)).digest, digest);
  assert.deepEqual(annotations, { "org.opencontainers.image.version": "1.0" });
  assert.deepEqual(platformTexts(instances), ["linux/amd64", "linux/arm64"]);
});

Deno.test("append_platform.ts creates an index and adds to it, also concurrently", async () => {
  await using registry = startEmbedded();
  const architectures = ["amd64", "arm64", "s390x"];
  const digests = await pushPlatforms(registry.host, "app", architectures.map((architecture) => ({ architecture })));
  const add = (architecture: string) =>
    run([`--allow-net=${registry.host}`], [
      "append_platform.ts",
      `${registry.host}/app:nightly`,
      `${registry.host}/app:${architecture}`,
      "--insecure",
    ]);
  const [first, ...others] = architectures;
  assert.deepEqual(await add(first!), { code: 0, stdout: `linux/amd64  ${digests[0]}\n`, stderr: "" });
  assert.deepEqual((await Promise.all(others.map(add))).map(({ code, stderr }) => [code, stderr]), [[0, ""], [0, ""]]);
  const { instances } = await inspect(`${registry.host}/app:nightly`);
  assert.deepEqual(instances.map(({ digest }) => digest).sort(), digests.toSorted());
});

Deno.test("compose_release.ts and append_platform.ts accept images of BuildKit with their attestations", async () => {
  await using registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  const image = `${registry.host}/app`;
  const digests: string[] = [];
  for (const architecture of ["arm64", "s390x"]) {
    const { images, attestations } = await pushBuildKit(repository, `1.0-${architecture}`, [{
      os: "linux",
      architecture,
    }]);
    digests.push(...images, ...attestations);
  }
  const net = [`--allow-net=${registry.host}`];
  const composed = await run(net, ["compose_release.ts", image, "1.0", "arm64", "s390x", "--insecure"]);
  assert.deepEqual([composed.code, composed.stderr], [0, ""]);
  const digestsOf = async (tag: string) => (await inspect(`${image}:${tag}`)).instances.map(({ digest }) => digest);
  assert.deepEqual(await digestsOf("1.0"), digests);
  const sources = [`${image}:1.0-arm64`, `${image}:1.0-s390x`];
  const appended = await run(net, ["append_platform.ts", `${image}:nightly`, ...sources, "--insecure"]);
  assert.deepEqual([appended.code, appended.stderr], [0, ""]);
  assert.deepEqual(await digestsOf("nightly"), digests);
  const checked = await run(net, ["check_release.ts", `${image}:1.0`, "linux/arm64/v8", "linux/s390x", "--insecure"]);
  assert.deepEqual(checked, { code: 0, stdout: `${image}:1.0 has linux/arm64, linux/s390x\n`, stderr: "" });
});

folderTest("promote.ts copies images signed by staging, and signs them for production", async (folder) => {
  await using registry = startEmbedded();
  await pushPlatforms(registry.host, "staging", [{ architecture: "amd64" }, { architecture: "arm64" }]);
  const passphrase = encode("secret");
  const [staging, production] = [await generateSigstoreKeyPair(passphrase), await generateSigstoreKeyPair(passphrase)];
  const files = {
    "staging.pub": staging.publicKey,
    "production.pub": production.publicKey,
    "production.key": production.privateKey,
  };
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
  await using signer = await openSigstoreSigner(encode(staging.privateKey), { passphrase });
  const source = `${registry.host}/staging:1.0`;
  const sources = ["amd64", "arm64"].map((architecture) => `${registry.host}/staging:${architecture}`);
  const { digest } = await composeIndex({ target: source, sources, systemContext, signers: [signer] });

  const flags = [`--allow-net=${registry.host}`, `--allow-read=${folder}`, "--allow-env=COSIGN_PASSWORD"];
  const promote = (from: string, to: string, publicKey: string) => {
    const names = [`${registry.host}/${from}`, `${registry.host}/${to}`];
    const keys = [`${folder}/${publicKey}`, `${folder}/production.key`];
    return run(flags, ["promote.ts", ...names, ...keys, "--insecure"], { COSIGN_PASSWORD: "secret" });
  };
  const refused = await promote("staging:1.0", "app:1.0", "production.pub");
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /PolicyRejectedError/);
  const promoted = { code: 0, stdout: `${digest} with 2 images\n`, stderr: "" };
  assert.deepEqual(await promote("staging:1.0", "app:1.0", "staging.pub"), promoted);
  // The policy trusts production's key only.
  assert.deepEqual(await promote("app:1.0", "elsewhere:1.0", "production.pub"), promoted);
});

Deno.test("check_release.ts fails and reports which platforms are missing", async () => {
  await using registry = startEmbedded();
  await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }]);
  const image = `${registry.host}/app:1.0`;
  await composeIndex({ target: image, sources: [`${registry.host}/app:amd64`], systemContext });
  const check = (...platforms: string[]) =>
    run([`--allow-net=${registry.host}`], ["check_release.ts", image, ...platforms, "--insecure"]);
  assert.deepEqual(await check("linux/amd64"), { code: 0, stdout: `${image} has linux/amd64\n`, stderr: "" });
  const stderr = "linux/arm64 is missing\n";
  assert.deepEqual(await check("linux/amd64", "linux/arm64"), { code: 1, stdout: "", stderr });
  await pushPlatforms(registry.host, "app", [{ architecture: "arm64", variant: "v8" }]);
  await composeIndex({ target: image, sources: [`${registry.host}/app:arm64v8`], systemContext });
  assert.deepEqual(await check("linux/arm64"), { code: 0, stdout: `${image} has linux/arm64/v8\n`, stderr: "" });
  assert.equal((await check("linux/arm64/v9")).stderr, "linux/arm64/v9 is missing\n");
  for (const script of ["check_release.ts", "compose_release.ts", "append_platform.ts", "promote.ts"]) {
    assert.equal((await run([], [script, image])).code, 2, `${script} without its other arguments`);
  }
  const usage = await run([], ["check_release.ts"]);
  assert.deepEqual(usage, { code: 2, stdout: "", stderr: "usage: check_release.ts IMAGE PLATFORM… [--insecure]\n" });
});

folderTest("edit_local.ts annotates a list that podman made, and podman sees it", async (folder) => {
  await using registry = startEmbedded();
  await using at = await makeStore();
  const [digest] = await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }]);
  const podman = ["podman", ...at.flags, "manifest"];
  await ok([...podman, "create", "app"]);
  await ok([...podman, "add", "--tls-verify=false", "app", `docker://${registry.host}/app:amd64`]);
  const conf = `${folder}/storage.conf`;
  await Deno.writeTextFile(
    conf,
    `[storage]\ndriver = "${at.driver}"\ngraphroot = "${at.root}"\nrunroot = "${at.runRoot}"\n`,
  );
  const script = ["edit_local.ts", "app", "org.example.build=42", "org.example.query=a=b"];
  const edited = await run(["-A"], script, { CONTAINERS_STORAGE_CONF: conf });
  assert.deepEqual(edited, { code: 0, stdout: "app: 1 images\n", stderr: "" });
  const [entry] = JSON.parse(await ok([...podman, "inspect", "app"])).manifests;
  assert.equal(entry.digest, digest);
  assert.deepEqual(entry.annotations, { "org.example.build": "42", "org.example.query": "a=b" });
}, ["podman"]);
