import assert from "node:assert/strict";
import { create, MEDIA_TYPES } from "../../mod.ts";
import { serializeOciIndex } from "../../src/spec/room.ts";
import { makeAttestation, pushBuildKit, pushEntries } from "../support/buildkit.ts";
import { clientOf, describe, encode, makeImage, pushImage } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";

const systemContext = { dockerInsecureSkipTlsVerify: true };
const PLATFORMS = [{ architecture: "amd64" }, { architecture: "arm64", variant: "v8" }];

/** A registry with an index `app:list` of two images, and the entries of that index. */
async function startWithIndex(change: (entry: Record<string, unknown>, i: number) => unknown = (entry) => entry) {
  const registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  const images = PLATFORMS.map(makeImage);
  for (const [i, image] of images.entries()) await pushImage(repository, image, PLATFORMS[i]!.architecture);
  const manifests = images.map(({ manifest }, i) =>
    change({ ...describe(MEDIA_TYPES.ociManifest, manifest), platform: { os: "linux", ...PLATFORMS[i] } }, i)
  );
  await repository.putManifest("list", encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }));
  return { registry, repository, images, name: `docker://${registry.host}/app` };
}

Deno.test("add() of an image records digest, size, type and the platform of its configuration", async () => {
  const { registry, images, name } = await startWithIndex();
  await using _ = registry;
  const list = create();
  assert.equal(await list.add(`${name}:arm64`, { systemContext }), images[1]!.digest);
  assert.deepEqual(list.ociV1().manifests, [{
    ...describe(MEDIA_TYPES.ociManifest, images[1]!.manifest),
    platform: { os: "linux", architecture: "arm64", variant: "v8" },
  }]);
});

Deno.test("add() of a list takes the wanted platform, or all", async () => {
  const { registry, images, name } = await startWithIndex((entry, i) => ({
    ...entry,
    annotations: { n: `${i}` },
    urls: ["https://x"],
  }));
  await using _ = registry;
  const one = create();
  const arm = { ...systemContext, architectureChoice: "arm64", osChoice: "linux" };
  assert.equal(await one.add(`${name}:list`, { systemContext: arm }), images[1]!.digest);
  assert.deepEqual(one.instances(), [images[1]!.digest]);
  const all = create();
  assert.equal(await all.add(`${name}:list`, { all: true, systemContext }), images[0]!.digest);
  assert.deepEqual(all.instances(), images.map(({ digest }) => digest));
  assert.deepEqual(all.annotations(images[1]!.digest), { n: "1" });
  assert.deepEqual(all.urls(images[0]!.digest), ["https://x"]);
  const mips = { ...systemContext, architectureChoice: "mips" };
  await assert.rejects(create().add(`${name}:list`, { systemContext: mips }), { code: "NO_MATCHING_PLATFORM" });
});

Deno.test("add() refuses an entry whose platform contradicts its image, unless allowPlatformMismatch is set", async () => {
  const { registry, name } = await startWithIndex((entry) => ({
    ...entry,
    platform: { os: "linux", architecture: "riscv64" },
  }));
  await using _ = registry;
  const list = create();
  await assert.rejects(list.add(`${name}:list`, { all: true, systemContext }), {
    code: "PLATFORM_MISMATCH",
    message: /linux\/riscv64.*linux\/amd64|linux\/riscv64.*linux\/arm64/,
  });
  assert.equal(list.size, 0);
  await list.add(`${name}:list`, { all: true, systemContext, allowPlatformMismatch: true });
  assert.equal(list.architecture(list.instances()[0]!), "riscv64");
});

Deno.test("add() completes the platform of an entry from the configuration", async () => {
  const { registry, name } = await startWithIndex(({ platform: _, ...entry }) => entry);
  await using _ = registry;
  const list = create();
  await list.add(`${name}:list`, { all: true, systemContext });
  assert.deepEqual(
    list.instances().map((digest) => `${list.os(digest)}/${list.architecture(digest)}/${list.variant(digest)}`),
    [
      "linux/amd64/",
      "linux/arm64/v8",
    ],
  );
});

Deno.test("add() changes nothing if any part of it fails", async () => {
  const { registry, repository, name } = await startWithIndex();
  await using _ = registry;
  const inner = (await repository.getManifest("list")).bytes;
  const manifests = [{ ...describe(MEDIA_TYPES.ociIndex, inner), platform: { os: "linux", architecture: "amd64" } }];
  const nested = serializeOciIndex({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
  await repository.putManifest("nested", nested);
  const empty = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] });
  await repository.putManifest("empty", empty);
  const list = create();
  const wanted = { ...systemContext, osChoice: "linux", architectureChoice: "amd64" };
  await assert.rejects(list.add(`${name}:nested`, { systemContext: wanted }), { code: "NESTED_INDEX" });
  const rows: [string, string][] = [
    [`${name}:empty`, "NO_MATCHING_PLATFORM"],
    [`${name}:gone`, "NOT_FOUND"],
    [`${name}@sha256:${"0".repeat(64)}`, "NOT_FOUND"],
    ["docker://UPPER", "INVALID_REFERENCE"],
    ["docker:x", "INVALID_REFERENCE"],
    [`${name}:1@sha256:${"0".repeat(64)}`, "NOT_FOUND"],
    ["sif:layout", "TRANSPORT_NOT_SUPPORTED"],
    ["bogus://x", "UNSUPPORTED_TRANSPORT"],
    ["", "INVALID_REFERENCE"],
  ];
  for (const [image, code] of rows) {
    await assert.rejects(list.add(image, { all: true, systemContext }), { code }, image);
    assert.equal(list.size, 0);
  }
  await assert.rejects(list.add(`${name}:list`, { systemContext, signal: AbortSignal.abort("no") }), (e) => e === "no");
});

const WINDOWS = ["10.0.17763.1", "10.0.20348.1"].map((osVersion) => ({
  os: "windows",
  architecture: "amd64",
  osVersion,
}));

Deno.test("add() takes the only image of an index on every host, and its attestation if that is asked for", async () => {
  await using registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  const s390x = { os: "linux", architecture: "s390x" };
  const { images: [image], attestations: [attestation] } = await pushBuildKit(repository, "one", [s390x]);
  const two = await pushBuildKit(repository, "two", [s390x, { os: "linux", architecture: "ppc64le" }]);
  const name = `docker://${registry.host}/app`;
  const rows: [options: Parameters<ReturnType<typeof create>["add"]>[1], expected: unknown[]][] = [
    [{}, [image]],
    [{ attestations: true }, [image, attestation]],
    [{ all: true }, [image, attestation]],
    [{ all: true, attestations: false }, [image]],
    [{ platforms: ["linux/s390x"] }, [image, attestation]],
    [{ systemContext: { ...systemContext, architectureChoice: "s390x" } }, [image]],
  ];
  for (const [options, expected] of rows) {
    const list = create();
    assert.equal(await list.add(`${name}:one`, { systemContext, ...options }), image);
    assert.deepEqual(list.instances(), expected, JSON.stringify(options));
  }
  const other = { systemContext: { ...systemContext, architectureChoice: "arm64" } };
  for (const options of [other, { systemContext, platforms: ["linux/arm64"] }]) {
    await assert.rejects(create().add(`${name}:one`, options), {
      code: "NO_MATCHING_PLATFORM",
      message: /linux\/s390x/,
    });
  }
  // Of several images, one is chosen as ever: the error names the list, what it has and what can be done.
  await assert.rejects(create().add(`${name}:two`, { ...other }), {
    code: "NO_MATCHING_PLATFORM",
    message: new RegExp(`${registry.host}/app:two.* linux/arm64.*only linux/s390x, linux/ppc64le\\. .*--all`),
  });
  // Nor are artifacts images.
  const sbom = { ...makeAttestation(makeImage(s390x)), annotations: {}, artifactType: "application/spdx+json" };
  await pushEntries(repository, "sbom", [{ image: makeImage(s390x), platform: s390x }, { ...sbom, platform: s390x }]);
  assert.equal(await create().add(`${name}:sbom`, { systemContext }), image);
  // An attestation that comes first is not what was added.
  const one = makeImage(s390x);
  await pushEntries(repository, "last", [makeAttestation(one), { image: one, platform: s390x }]);
  for (const options of [{ all: true }, { attestations: true }]) {
    assert.equal(await create().add(`${name}:last`, { systemContext, ...options }), one.digest);
  }
  const list = create();
  const platforms = ["linux/ppc64le"];
  assert.equal(await list.add(`${name}:two`, { systemContext, platforms }), two.images[1]);
  assert.deepEqual(list.instances(), [two.images[1], two.attestations[1]]);
});

Deno.test("add() chooses by the version of an operating system, and refuses an image that says another", async () => {
  await using registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  const { images } = await pushBuildKit(repository, "win", WINDOWS);
  const name = `docker://${registry.host}/app`;
  const choose = (osVersionChoice: string, tag: string, more = {}) => {
    const list = create();
    const choice = { osChoice: "windows", architectureChoice: "amd64", osVersionChoice };
    return list.add(`${name}:${tag}`, { systemContext: { ...systemContext, ...choice }, ...more });
  };
  assert.equal(await choose("10.0.17763.1", "win"), images[0]);
  assert.equal(await choose("10.0.20348.1", "win"), images[1]);
  await assert.rejects(choose("10.0.26100.1", "win"), { code: "NO_MATCHING_PLATFORM", message: /10\.0\.20348\.1/ });
  // Entries that say less than the configurations.
  const unsaid = WINDOWS.map((platform) => ({
    image: makeImage(platform),
    platform: { os: "windows", architecture: "amd64" },
  }));
  await pushEntries(repository, "unsaid", unsaid);
  assert.equal(await choose("10.0.17763.1", "unsaid"), images[0]);
  await assert.rejects(choose("10.0.20348.1", "unsaid"), { code: "PLATFORM_MISMATCH", message: /10\.0\.17763\.1/ });
  // One image under two versions: each is labelled as it was chosen.
  const image = makeImage({ os: "windows", architecture: "amd64" });
  const entry = (osVersion: string) => ({
    image,
    platform: { os: "windows", architecture: "amd64", "os.version": osVersion },
  });
  await pushEntries(repository, "same", [entry("10.0.17763.1"), entry("10.0.20348.1")]);
  const list = create();
  const choice = { osChoice: "windows", architectureChoice: "amd64", osVersionChoice: "10.0.17763.1" };
  await list.add(`${name}:same`, { systemContext: { ...systemContext, ...choice } });
  assert.equal(list.osVersion(image.digest), "10.0.17763.1");
});

Deno.test("add() rejects a platform that contradicts the image, or reports it if mismatches are allowed", async () => {
  await using registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  const arm = makeImage({ architecture: "arm", variant: "v7" });
  const windows = makeImage(WINDOWS[0]!);
  const rows: [image: typeof arm, platform: Record<string, string>, refused: boolean][] = [
    [arm, { os: "linux", architecture: "arm", variant: "v6" }, true],
    [arm, { os: "linux", architecture: "arm", variant: "v7" }, false],
    [arm, { os: "linux", architecture: "arm" }, false],
    [arm, { os: "linux", architecture: "arm64" }, true],
    [arm, { os: "freebsd", architecture: "arm", variant: "v7" }, true],
    [windows, { os: "windows", architecture: "amd64", "os.version": "10.0.20348.1" }, true],
    [windows, { os: "windows", architecture: "amd64", "os.version": "10.0.17763.1" }, false],
    [windows, { os: "windows", architecture: "amd64" }, false],
  ];
  for (const [i, [image, platform, refused]] of rows.entries()) {
    await pushEntries(repository, `${i}`, [{ image, platform }]);
    const add = (more = {}) =>
      create().add(`docker://${registry.host}/app:${i}`, { all: true, systemContext, ...more });
    if (refused) {
      await assert.rejects(add(), { code: "PLATFORM_MISMATCH", message: /\(--allow-platform-mismatch\)/ }, `${i}`);
    } else await add();
    const told: string[] = [];
    await add({
      allowPlatformMismatch: true,
      onPlatformMismatch: ({ digest }: { digest: string }) => told.push(digest),
    });
    assert.deepEqual(told, refused ? [image.digest] : []);
  }
});

Deno.test("addInstancesOf() adds what another list says, with places and artifacts, and replaces the same instances", async () => {
  const { registry, images, name } = await startWithIndex();
  await using _ = registry;
  const [list, other] = [create(), create()];
  for (const tag of ["amd64", "arm64"]) await list.add(`${name}:${tag}`, { systemContext });
  await other.add(`${name}:amd64`, { systemContext });
  const [amd64, arm64] = [images[0]!.digest, images[1]!.digest];
  list.setAnnotations(amd64, { old: "yes" });
  other.setAnnotations(amd64, { new: "yes" });
  other.setFeatures(amd64, ["sse"]);
  const file = await Deno.makeTempFile();
  try {
    const artifact = await other.addArtifact([file], { artifactType: "application/x" });
    list.addInstancesOf(other);
    assert.deepEqual(list.instances(), [arm64, amd64, artifact]);
    assert.deepEqual([list.annotations(amd64), list.features(amd64)], [{ new: "yes" }, ["sse"]]);
    assert.equal(list.location(amd64), other.location(amd64));
    assert.equal(list.instanceByFile(file), artifact);
    // Nothing is shared afterwards.
    list.setAnnotations(amd64, { later: "yes" });
    list.remove(artifact);
    assert.deepEqual(other.annotations(amd64), { new: "yes" });
    assert.deepEqual([other.files(artifact), other.size], [[file], 2]);
  } finally {
    await Deno.remove(file);
  }
  assert.throws(() => list.addInstancesOf({} as typeof other), TypeError);
});
