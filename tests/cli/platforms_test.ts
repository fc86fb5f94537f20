/** Platforms on the command line, and the attestations of images. */
import assert from "node:assert/strict";
import { parsePlatform } from "../../src/spec/room.ts";
import { pushBuildKit, pushEntries } from "../support/buildkit.ts";
import { cli, cliOk } from "../support/cli.ts";
import { clientOf, makeImage } from "../support/images.ts";
import { ok, peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore, type TestStore } from "../support/stores.ts";

const INSECURE = "--tls-verify=false";
const WINDOWS = ["windows/amd64:10.0.17763.1", "windows/amd64:10.0.20348.1"];
const PLATFORMS = ["linux/amd64", "linux/arm64/v8", "linux/arm/v7", ...WINDOWS];

/** A registry with `app:1`, an index of images for the given platforms with their attestations. */
async function startWithBuildKit(...platforms: string[]) {
  const registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  const pushed = await pushBuildKit(repository, "1", platforms.map(parsePlatform));
  const readManifests = async (tag: string, path = "app"): Promise<{ digest: string }[]> =>
    JSON.parse(new TextDecoder().decode((await clientOf(registry.host).repository(path).getManifest(tag)).bytes))
      .manifests;
  const readDigests = async (tag: string, path?: string) =>
    (await readManifests(tag, path)).map(({ digest }) => digest);
  return { registry, ...pushed, readDigests, image: `docker://${registry.host}/app:1` };
}

const localDigests = async ({ flags }: TestStore, list: string): Promise<string[]> =>
  JSON.parse(await cliOk([...flags, "inspect", list])).manifests.map(({ digest }: { digest: string }) => digest);

Deno.test("drop removes the instance of a platform and its attestation, and reports the attestation", async () => {
  await using at = await makeStore();
  const { registry, images, attestations, readDigests, image } = await startWithBuildKit(...PLATFORMS);
  await using _ = registry;
  const drop = (...args: string[]) => cli([...at.flags, "drop", "-q", INSECURE, image, ...args]);
  let left = [...images, ...attestations];
  for (const [i, text] of [[1, "linux/arm64"], [2, "linux/arm"], [4, "windows/amd64:10.0.20348.1"]] as const) {
    const { code, stderr } = await drop(text);
    assert.deepEqual([code, stderr], [0, `also removed attestation ${attestations[i]}\n`], text);
    left = left.filter((digest) => digest !== images[i] && digest !== attestations[i]);
    assert.deepEqual(await readDigests("1"), left, text);
  }
  const json = JSON.parse((await drop("--format", "json", "windows/amd64")).stdout);
  assert.deepEqual(json.attestations, [attestations[3]]);
  assert.deepEqual(await readDigests("1"), [images[0], attestations[0]]);
});

Deno.test("drop rejects a platform of several instances, and names them", async () => {
  await using at = await makeStore();
  const { registry, images, image } = await startWithBuildKit(...WINDOWS);
  await using _ = registry;
  const { code, stderr } = await cli([...at.flags, "drop", "-q", INSECURE, image, "windows/amd64"]);
  assert.equal(code, 125);
  assert.match(stderr, new RegExp(images.map((digest, i) => `${digest} .${WINDOWS[i]}.`).join(", ")));
});

Deno.test("remove and annotate find instances of a local list by platform; as podman and buildah, remove keeps attestations", async () => {
  await using at = await makeStore();
  const { registry, images, attestations, image } = await startWithBuildKit(...PLATFORMS);
  await using _ = registry;
  const [amd64, arm64, arm, old, recent] = images;
  const all = [...images, ...attestations];
  await cliOk([...at.flags, "create", "--all", INSECURE, "list", image]);
  for (
    const [text, digest] of [
      ["linux/arm64", arm64],
      ["linux/arm64/v8", arm64],
      ["linux/arm", arm],
      [WINDOWS[0]!, old],
      [WINDOWS[1]!, recent],
      ["linux/amd64", amd64],
    ] as const
  ) {
    const annotated = await cliOk([...at.flags, "annotate", "--annotation", "a=b", "list", text]);
    assert.equal(annotated.trim().split(": ")[1], digest, text);
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

Deno.test("copy --platform copies one build of an operating system, with the attestations of its images", async () => {
  await using at = await makeStore();
  const { registry, digest, images, attestations, readDigests, image } = await startWithBuildKit(...PLATFORMS);
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
    assert.deepEqual(await readDigests("1", `to${row}`), [...both(images), ...both(attestations)]);
    for (const i of chosen) assert.match(stderr, new RegExp(`^copied attestation ${attestations[i]}$`, "m"));
    const quiet = await copy(`bare${row}`, "-q", "--no-attestations", ...flags);
    assert.deepEqual([quiet.code, quiet.stderr], [0, ""]);
    assert.deepEqual(await readDigests("1", `bare${row}`), both(images));
  }
  assert.equal((await copy("bare", "-q", "--no-attestations")).code, 0);
  assert.deepEqual(await readDigests("1", "bare"), images);
  assert.equal((await copy("whole", "-q")).code, 0);
  assert.equal((await clientOf(registry.host).repository("whole").headManifest("1"))!.digest, digest);
  const outline = await copy("planned", "--dry-run", "--platform", WINDOWS[1]!);
  assert.match(outline.stdout, new RegExp(`^windows/amd64:10.0.20348.1 +${images[4]!.slice(0, 19)}`, "m"));
  assert.match(outline.stdout, new RegExp(`^\\(attestation\\) +${attestations[4]!.slice(0, 19)}`, "m"));
  for (const text of ["windows/amd64:10.0.1", "linux/arm64/v9", "linux"]) {
    const { code, stderr } = await copy("none", "-q", "--platform", text);
    assert.equal(code, 125, text);
    assert.match(
      stderr,
      text === "linux" ? /it must be as in linux\/arm64/ : /it has only .*windows\/amd64:10\.0\.20348\.1/,
    );
  }
});

Deno.test("every command shows the version of an operating system with the platform", async () => {
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

Deno.test("append adds all images of an index, one of them, or some platforms", async () => {
  await using at = await makeStore();
  const { registry, images, attestations, readDigests, image } = await startWithBuildKit(...PLATFORMS);
  await using _ = registry;
  const append = (tag: string, ...flags: string[]) =>
    cli([...at.flags, "append", "-q", "--create", INSECURE, ...flags, image.replace(/:1$/, `:${tag}`), image]);
  const rows: [flags: string[], expected: (string | undefined)[]][] = [
    [[], [...images, ...attestations]],
    [["--all"], [...images, ...attestations]],
    [["--no-attestations"], images],
    [
      ["--platform", "linux/arm64,windows/amd64"],
      [1, 3, 4].flatMap((i) => images[i]!).concat([1, 3, 4].map((i) => attestations[i]!)),
    ],
    [["--platform", "linux/arm64", "--no-attestations"], [images[1]]],
    [["--os", "windows", "--arch", "amd64", "--os-version", "10.0.20348.1"], [images[4]]],
    [["--arch", "arm64", "--os", "linux", "--attestations"], [images[1], attestations[1]]],
  ];
  for (const [i, [flags, expected]] of rows.entries()) {
    const { code, stderr } = await append(`to${i}`, ...flags);
    assert.deepEqual([code, stderr], [0, ""], flags.join(" "));
    assert.deepEqual(await readDigests(`to${i}`), expected, flags.join(" "));
  }
  const both = await append("none", "--platform", "linux/arm64", "--arch", "arm64");
  assert.deepEqual([both.code, /--platform cannot be used with --arch/.test(both.stderr)], [125, true]);
});

Deno.test("add and create choose by --os-version, and add the only image of an index with its attestation", async () => {
  await using at = await makeStore();
  const { registry, images, image } = await startWithBuildKit(...WINDOWS);
  await using _ = registry;
  const windows = ["--os", "windows", "--arch", "amd64"];
  const add = (...flags: string[]) => cli([...at.flags, "add", INSECURE, ...windows, ...flags, "list", image]);
  await cliOk([...at.flags, "create", "list"]);
  for (const [i, version] of ["10.0.17763.1", "10.0.20348.1"].entries()) {
    const { stdout, stderr } = await add("--os-version", version);
    assert.equal(stdout.trim().split(": ")[1], images[i], stderr);
    await cliOk([...at.flags, "create", INSECURE, ...windows, "--os-version", version, `created${i}`, image]);
    assert.deepEqual(await localDigests(at, `created${i}`), [images[i]]);
  }
  const none = await add("--os-version", "10.0.26100.1");
  assert.deepEqual(
    [none.code, /only windows\/amd64:10\.0\.17763\.1, windows/.test(none.stderr)],
    [125, true],
    none.stderr,
  );
  const one = image.replace(/:1$/, `@${images[0]}`);
  const single = await cli([...at.flags, "add", INSECURE, "--os-version", "10.0.20348.1", "list", one]);
  assert.match(single.stderr, /OS version "10\.0\.17763\.1", not "10\.0\.20348\.1" \(use --allow-platform-mismatch /);
  assert.ok(single.stderr.includes(`${one}: Cannot label sha256:`), "the message names the image");
  const all = await cli([...at.flags, "add", "--all", INSECURE, "--os-version", "10.0.20348.1", "list", image]);
  assert.equal(all.code, 125, "the first of all says another version");
  const repository = clientOf(registry.host).repository("app");
  const only = await pushBuildKit(repository, "only", [{ os: "linux", architecture: "s390x" }]);
  const name = image.replace(/:1$/, ":only");
  const both = [...only.images, ...only.attestations];
  for (const [flags, expected] of [[[], only.images], [["--attestations"], both]] as const) {
    await cliOk([...at.flags, "create", "--replace", INSECURE, ...flags, "only", name]);
    assert.deepEqual(await localDigests(at, "only"), expected);
    await cliOk([...at.flags, "create", "--replace", "only"]);
    await cliOk([...at.flags, "add", INSECURE, ...flags, "only", name]);
    assert.deepEqual(await localDigests(at, "only"), expected);
  }
  for (const persona of ["podman", "buildah"]) {
    const chosen = await cli([...at.flags, "manifest", "add", INSECURE, "list", name], { MANIFESTS_PERSONA: persona });
    assert.equal(chosen.code, 125, "the tools choose by the host alone");
  }
});

Deno.test("a platform that contradicts the image is only recorded with --allow-platform-mismatch", async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  const arm = makeImage({ architecture: "arm", variant: "v7" });
  await pushEntries(repository, "wrong", [{ image: arm, platform: { os: "linux", architecture: "riscv64" } }]);
  const image = (tag: string) => `docker://${registry.host}/app:${tag}`;
  const single = `docker://${registry.host}/app@${arm.digest}`;
  const rows: [args: string[], label: string][] = [
    [["--all", "list", image("wrong")], "linux/riscv64"],
    [["--variant", "v6", "list", single], "linux/arm/v6"],
    [["--arch", "arm64", "list", single], "linux/arm64/v7"],
    [["--os", "freebsd", "list", single], "freebsd/arm/v7"],
  ];
  await cliOk([...at.flags, "create", "list"]);
  const label = async () => {
    const { os, architecture, variant } =
      JSON.parse(await cliOk([...at.flags, "inspect", "list"])).manifests[0].platform;
    return [os, architecture, variant].filter(Boolean).join("/");
  };
  for (const [args, recorded] of rows) {
    const add = (...flags: string[]) => cli([...at.flags, "add", INSECURE, ...flags, ...args]);
    const refused = await add();
    assert.deepEqual([refused.code, /--allow-platform-mismatch/.test(refused.stderr)], [125, true], refused.stderr);
    const allowed = await add("--allow-platform-mismatch");
    assert.deepEqual([allowed.code, allowed.stderr], [0, ""], args.join(" "));
    assert.equal(await label(), recorded);
    await cliOk([...at.flags, "create", "--replace", "list"]);
    const persona = await cli([...at.flags, "manifest", "add", INSECURE, ...args], { MANIFESTS_PERSONA: "buildah" });
    assert.equal(persona.code, 0, persona.stderr);
    assert.match(persona.stderr, /^Warning: .*$/m);
    assert.equal(await label(), recorded);
  }
  await cliOk([...at.flags, "create", "--allow-platform-mismatch", "--all", INSECURE, "created", image("wrong")]);
  const append = ["append", "-q", "--create", INSECURE, image("appended"), image("wrong")];
  assert.equal((await cli([...at.flags, ...append])).code, 125);
  assert.equal((await cli([...at.flags, "append", "--allow-platform-mismatch", ...append.slice(1)])).code, 0);
});

for (const tool of ["podman", "buildah"]) {
  peerTest(`run as ${tool}, add chooses and labels as ${tool} does`, [tool, "root"], async () => {
    await using at = await makeStore();
    const { registry, images, image } = await startWithBuildKit("linux/amd64", "linux/arm64/v8", ...WINDOWS);
    await using _ = registry;
    const one = image.replace(/:1$/, `@${images[1]}`);
    const rows: string[][] = [
      [image],
      ["--os", "bar", one],
      ["--variant", "v9", one],
      ["--arch", "s390x", one],
      ["--os-version", "1.2", one],
      ["--arch", "arm64", "--variant", "v8", image],
      ["--os", "windows", "--os-version", "10.0.20348.1", image],
      ["--all", "--os", "bar", image],
      ["--all", "--os-version", "1.2", image],
    ];
    for (const [i, row] of rows.entries()) {
      const entry = async (list: string, add: (args: string[]) => Promise<unknown>) => {
        await cliOk([...at.flags, "create", list]);
        await add([...row.slice(0, -1), INSECURE, list, row.at(-1)!]);
        const { manifests } = JSON.parse(await cliOk([...at.flags, "inspect", list]));
        return manifests.map(({ digest, platform }: { digest: string; platform: unknown }) => ({ digest, platform }));
      };
      const theirs = await entry(`theirs${i}`, (args) => ok([tool, ...at.flags, "manifest", "add", ...args]));
      const ours = await entry(`ours${i}`, async (args) => {
        const { code, stderr } = await cli([...at.flags, "manifest", "add", ...args], { MANIFESTS_PERSONA: tool });
        assert.equal(code, 0, stderr);
      });
      assert.deepEqual(ours, theirs, row.join(" "));
    }
  });
}
