/** What a platform on the command line means, and what becomes of attestations. */
import assert from "node:assert/strict";
import { parsePlatform } from "../../src/spec/room.ts";
import { pushBuildKit } from "../support/buildkit.ts";
import { cli, cliOk } from "../support/cli.ts";
import { clientOf } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore, type TestStore } from "../support/stores.ts";

const INSECURE = "--tls-verify=false";
const WINDOWS = ["windows/amd64:10.0.17763.1", "windows/amd64:10.0.20348.1"];
const PLATFORMS = ["linux/amd64", "linux/arm64/v8", "linux/arm/v7", ...WINDOWS];

/** A registry with `app:1`, an index of images for these platforms with their attestations. */
async function startWithBuildKit(...platforms: string[]) {
  const registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  const pushed = await pushBuildKit(repository, "1", platforms.map(parsePlatform));
  const manifestsOf = async (tag: string, path = "app"): Promise<{ digest: string }[]> =>
    JSON.parse(new TextDecoder().decode((await clientOf(registry.host).repository(path).getManifest(tag)).bytes))
      .manifests;
  const digestsOf = async (tag: string, path?: string) => (await manifestsOf(tag, path)).map(({ digest }) => digest);
  return { registry, ...pushed, digestsOf, image: `docker://${registry.host}/app:1` };
}

const localDigests = async ({ flags }: TestStore, list: string): Promise<string[]> =>
  JSON.parse(await cliOk([...flags, "inspect", list])).manifests.map(({ digest }: { digest: string }) => digest);

Deno.test("drop removes the instance that a platform means, and its attestation, and says so", async () => {
  await using at = await makeStore();
  const { registry, images, attestations, digestsOf, image } = await startWithBuildKit(...PLATFORMS);
  await using _ = registry;
  const drop = (...args: string[]) => cli([...at.flags, "drop", "-q", INSECURE, image, ...args]);
  let left = [...images, ...attestations];
  for (const [i, wanted] of [[1, "linux/arm64"], [2, "linux/arm"], [4, "windows/amd64:10.0.20348.1"]] as const) {
    const { code, stderr } = await drop(wanted);
    assert.deepEqual([code, stderr], [0, `also removed attestation ${attestations[i]}\n`], wanted);
    left = left.filter((digest) => digest !== images[i] && digest !== attestations[i]);
    assert.deepEqual(await digestsOf("1"), left, wanted);
  }
  const json = JSON.parse((await drop("--format", "json", "windows/amd64")).stdout);
  assert.deepEqual(json.attestations, [attestations[3]]);
  assert.deepEqual(await digestsOf("1"), [images[0], attestations[0]]);
});

Deno.test("drop refuses a platform that means several instances, and names them", async () => {
  await using at = await makeStore();
  const { registry, images, image } = await startWithBuildKit(...WINDOWS);
  await using _ = registry;
  const { code, stderr } = await cli([...at.flags, "drop", "-q", INSECURE, image, "windows/amd64"]);
  assert.equal(code, 125);
  assert.match(stderr, new RegExp(images.map((digest, i) => `${digest} .${WINDOWS[i]}.`).join(", ")));
});

Deno.test("remove and annotate mean the same in a local list; podman's and buildah's remove leave attestations", async () => {
  await using at = await makeStore();
  const { registry, images, attestations, image } = await startWithBuildKit(...PLATFORMS);
  await using _ = registry;
  const [amd64, arm64, arm, old, recent] = images;
  const all = [...images, ...attestations];
  await cliOk([...at.flags, "create", "--all", INSECURE, "list", image]);
  for (
    const [wanted, digest] of [
      ["linux/arm64", arm64],
      ["linux/arm64/v8", arm64],
      ["linux/arm", arm],
      [WINDOWS[0]!, old],
      [WINDOWS[1]!, recent],
      ["linux/amd64", amd64],
    ] as const
  ) {
    const annotated = await cliOk([...at.flags, "annotate", "--annotation", "a=b", "list", wanted]);
    assert.equal(annotated.trim().split(": ")[1], digest, wanted);
  }
  assert.equal((await cli([...at.flags, "annotate", "--annotation", "a=b", "list", "windows/amd64"])).code, 125);
  const removed = await cli([...at.flags, "remove", "--format", "json", "list", WINDOWS[1]!]);
  assert.deepEqual(JSON.parse(removed.stdout).attestations, [attestations[4]]);
  assert.equal(removed.stderr, `also removed attestation ${attestations[4]}\n`);
  const left = all.filter((digest) => digest !== recent && digest !== attestations[4]);
  assert.deepEqual(await localDigests(at, "list"), left);
  for (const [i, persona] of ["podman", "buildah"].entries()) {
    const alone = await cli([...at.flags, "manifest", "remove", "list", images[i]!], { MANIFESTS_PERSONA: persona });
    assert.deepEqual([alone.code, alone.stderr], [0, ""]);
  }
  assert.deepEqual(await localDigests(at, "list"), left.filter((digest) => digest !== amd64 && digest !== arm64));
});

Deno.test("copy --platform takes one build of an operating system, and the attestations of what it takes", async () => {
  await using at = await makeStore();
  const { registry, digest, images, attestations, digestsOf, image } = await startWithBuildKit(...PLATFORMS);
  await using _ = registry;
  const copy = (to: string, ...args: string[]) =>
    cli([...at.flags, "copy", "--insecure-policy", INSECURE, ...args, image, `docker://${registry.host}/${to}:1`]);
  const rows: [string[], number[]][] = [
    [["--platform", WINDOWS[1]!], [4]],
    [["--platform", "windows/amd64"], [3, 4]],
    [["--platform", "linux/arm64,linux/arm"], [1, 2]],
  ];
  for (const [row, [flags, chosen]] of rows.entries()) {
    const { code, stderr } = await copy(`to${row}`, ...flags);
    assert.equal(code, 0, stderr);
    const both = (all: string[]) => chosen.map((i) => all[i]);
    assert.deepEqual(await digestsOf("1", `to${row}`), [...both(images), ...both(attestations)]);
    for (const i of chosen) assert.match(stderr, new RegExp(`^copied attestation ${attestations[i]}$`, "m"));
    const quiet = await copy(`bare${row}`, "-q", "--no-attestations", ...flags);
    assert.deepEqual([quiet.code, quiet.stderr], [0, ""]);
    assert.deepEqual(await digestsOf("1", `bare${row}`), both(images));
  }
  assert.equal((await copy("bare", "-q", "--no-attestations")).code, 0);
  assert.deepEqual(await digestsOf("1", "bare"), images);
  assert.equal((await copy("whole", "-q")).code, 0);
  assert.equal((await clientOf(registry.host).repository("whole").headManifest("1"))!.digest, digest);
  const outline = await copy("planned", "--dry-run", "--platform", WINDOWS[1]!);
  assert.match(outline.stdout, new RegExp(`^windows/amd64:10.0.20348.1 +${images[4]!.slice(0, 19)}`, "m"));
  assert.match(outline.stdout, new RegExp(`^\\(attestation\\) +${attestations[4]!.slice(0, 19)}`, "m"));
  for (const wanted of ["windows/amd64:10.0.1", "linux/arm64/v9", "linux"]) {
    const { code, stderr } = await copy("none", "-q", "--platform", wanted);
    assert.equal(code, 125, wanted);
    assert.match(
      stderr,
      wanted === "linux" ? /it must be as in linux\/arm64/ : /it has only .*windows\/amd64:10\.0\.20348\.1/,
    );
  }
});

Deno.test("the version of an operating system is shown wherever a platform is", async () => {
  await using at = await makeStore();
  const { registry, images, image } = await startWithBuildKit(WINDOWS[0]!, "linux/amd64");
  await using _ = registry;
  const [windows] = images;
  await cliOk([...at.flags, "create", "--all", INSECURE, "list", image]);
  await cliOk([...at.flags, "create", INSECURE, "other"]);
  const shown = WINDOWS[0]!.replaceAll(".", "\\.");
  assert.match(await cliOk([...at.flags, "ls"]), new RegExp(`${shown}, linux/amd64`));
  assert.match(await cliOk([...at.flags, "inspect", "--format", "table", INSECURE, image]), new RegExp(shown));
  assert.match(await cliOk([...at.flags, "inspect", "--format", "tree", INSECURE, image]), new RegExp(shown));
  assert.match((await cli([...at.flags, "diff", INSECURE, "list", "other"])).stdout, new RegExp(shown));
  const added = await cli([...at.flags, "add", "--explain", INSECURE, "other", image.replace(/:1$/, `@${windows}`)]);
  assert.match(added.stderr, new RegExp(`\\(${shown}\\)`));
  const words = await cliOk(["__complete", "--", ...at.flags, "remove", "list", ""]);
  assert.match(words, new RegExp(shown));
});
