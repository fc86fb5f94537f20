/** Which instances of an index in a registry a platform means, and what becomes of attestations. */
import assert from "node:assert/strict";
import { RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { parsePlatform } from "../../src/spec/room.ts";
import {
  annotateIndex,
  appendToIndex,
  composeIndex,
  copyIndex,
  inspectIndex,
  removeFromIndex,
} from "../../src/system/remote/mod.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { pushBuildKit } from "../support/buildkit.ts";
import { platformTexts } from "../support/platform_texts.ts";

const HOST = "registry.example";
const TARGET = `${HOST}/app:1`;

/** A registry in memory with `app:1`, an index of images for these platforms with their attestations. */
async function makeWorld(...platforms: string[]) {
  const { fetch } = createRegistry({ storage: createMemoryStorage() });
  const repository = new RegistryClient(HOST, { fetch }).repository("app");
  const pushed = await pushBuildKit(repository, "1", platforms.map(parsePlatform));
  return { ...pushed, systemContext: { fetch } };
}

const PLATFORMS = [
  "linux/amd64",
  "linux/amd64/v3",
  "linux/arm/v6",
  "linux/arm/v7",
  "linux/arm64/v8",
  "windows/amd64:10.0.17763.1",
  "windows/amd64:10.0.20348.1",
];

Deno.test("removeFromIndex() and annotateIndex() find the instances that a platform means", async () => {
  const rows: [wanted: string, ...found: string[]][] = [
    ["linux/amd64", "linux/amd64"],
    ["linux/amd64/v3", "linux/amd64/v3"],
    ["linux/arm", "linux/arm/v7"],
    ["linux/arm/v6", "linux/arm/v6"],
    ["linux/arm64", "linux/arm64/v8"],
    ["windows/amd64:10.0.20348.1", "windows/amd64:10.0.20348.1"],
    ["windows/amd64", "windows/amd64:10.0.17763.1", "windows/amd64:10.0.20348.1"],
  ];
  for (const [platform, ...found] of rows) {
    const { systemContext } = await makeWorld(...PLATFORMS);
    const look = async () =>
      (await inspectIndex(TARGET, { systemContext })).instances.filter(({ platform }) => platform?.os !== "unknown");
    await annotateIndex(TARGET, { instance: platform, annotations: { found: "yes" } }, { systemContext });
    const annotated = platformTexts((await look()).filter(({ annotations }) => annotations.found));
    assert.deepEqual(annotated, found, platform);
    await removeFromIndex(TARGET, [platform], { systemContext });
    const left = platformTexts(await look());
    assert.deepEqual(left, PLATFORMS.filter((kept) => !found.includes(kept)), platform);
  }
});

Deno.test("removeFromIndex() finds nothing for another variant, version or architecture", async () => {
  const { digest, systemContext } = await makeWorld("linux/arm64/v8", "windows/amd64:10.0.17763.1");
  for (const platform of ["linux/arm64/v9", "windows/amd64:10.0.20348.1", "linux/amd64", "linux", "arm64"]) {
    await assert.rejects(
      removeFromIndex(TARGET, [platform], { systemContext }),
      { code: "INSTANCE_NOT_FOUND" },
      platform,
    );
  }
  assert.equal((await inspectIndex(TARGET, { systemContext })).digest, digest);
});

Deno.test("removeFromIndex() removes the attestations of the removed instances, and no others", async () => {
  const { images, attestations, systemContext } = await makeWorld("linux/amd64", "linux/arm64", "linux/s390x");
  const digests = async () => (await inspectIndex(TARGET, { systemContext })).instances.map(({ digest }) => digest);
  await removeFromIndex(TARGET, ["linux/arm64"], { systemContext });
  assert.deepEqual(await digests(), [images[0], images[2], attestations[0], attestations[2]]);
  // Named as well, it is removed once.
  await removeFromIndex(TARGET, [images[0]!, attestations[0]!], { systemContext });
  assert.deepEqual(await digests(), [images[2], attestations[2]]);
  // An attestation alone may go.
  await removeFromIndex(TARGET, [attestations[2]!], { systemContext });
  assert.deepEqual(await digests(), [images[2]]);
});

Deno.test("composeIndex() and appendToIndex() take all entries of a source that is an index, unless an option restricts them", async () => {
  const { images, attestations, systemContext } = await makeWorld("linux/arm64/v8", "linux/s390x");
  const [arm64, s390x] = images, [provenance, other] = attestations;
  const rows: [options: object, expected: unknown[]][] = [
    [{}, [arm64, s390x, provenance, other]],
    [{ attestations: false }, [arm64, s390x]],
    [{ platforms: ["linux/arm64"] }, [arm64, provenance]],
    [{ platforms: ["linux/arm64"], attestations: false }, [arm64]],
  ];
  for (const [i, [options, expected]] of rows.entries()) {
    const composed = `${HOST}/app:composed-${i}`, appended = `${HOST}/app:appended-${i}`;
    await composeIndex({ target: composed, sources: [TARGET], systemContext, ...options });
    await appendToIndex(appended, [TARGET], { create: true, systemContext, ...options });
    for (const image of [composed, appended]) {
      const { instances } = await inspectIndex(image, { systemContext });
      assert.deepEqual(instances.map(({ digest }) => digest), expected, `${image} ${JSON.stringify(options)}`);
    }
  }
  const one = { all: false, systemContext: { ...systemContext, architectureChoice: "s390x" } };
  await composeIndex({ target: `${HOST}/app:one`, sources: [TARGET], ...one });
  assert.deepEqual((await inspectIndex(`${HOST}/app:one`, one)).instances.map(({ digest }) => digest), [s390x]);
  // composeIndex() also takes an operating system alone, which means all its images.
  await composeIndex({ target: `${HOST}/app:linux`, sources: [TARGET], platforms: ["linux"], systemContext });
  const { instances } = await inspectIndex(`${HOST}/app:linux`, { systemContext });
  assert.deepEqual(instances.map(({ digest }) => digest), [arm64, s390x, provenance, other]);
  const rejected = [["linux/mips", "NO_MATCHING_PLATFORM"], ["windows", "NO_MATCHING_PLATFORM"], [
    "/",
    "INVALID_PLATFORM",
  ]];
  for (const [platform, code] of rejected) {
    const options = { target: `${HOST}/app:none`, sources: [TARGET], platforms: [platform!], systemContext };
    await assert.rejects(composeIndex(options), { code });
  }
});

Deno.test("attestations of sources in another repository are copied along", async () => {
  const { images, attestations, systemContext } = await makeWorld("linux/arm64");
  await composeIndex({ target: `${HOST}/other:1`, sources: [TARGET], systemContext });
  const { instances } = await inspectIndex(`${HOST}/other:1`, { systemContext });
  assert.deepEqual(instances.map(({ digest, problem }) => [digest, problem]), [
    [images[0], undefined],
    [attestations[0], undefined],
  ]);
});

Deno.test("instances of every result map each source instance, also those that are not copied", async () => {
  const { images, attestations, systemContext } = await makeWorld("linux/amd64", "linux/arm64");
  const toThemselves = (...digests: (string | undefined)[]) => digests.map((digest) => [digest, digest]).sort();
  const all = toThemselves(...images, ...attestations);
  const sources = [TARGET], target = `${HOST}/app:2`;
  const maps = {
    composed: await composeIndex({ target, sources, systemContext }),
    elsewhere: await composeIndex({ target: `${HOST}/other:1`, sources, systemContext }),
    unchanged: await appendToIndex(target, sources, { systemContext }),
    annotated: await annotateIndex(target, { instance: "linux/arm64", annotations: { a: "b" } }, { systemContext }),
  };
  for (const [name, { instances }] of Object.entries(maps)) assert.deepEqual([...instances].sort(), all, name);
  const { instances } = await removeFromIndex(target, ["linux/arm64"], { systemContext });
  assert.deepEqual([...instances].sort(), toThemselves(images[0], attestations[0]));
  const image = await copyIndex(`${HOST}/app@${images[0]}`, `${HOST}/app:one`, {
    systemContext,
    signaturePolicy: acceptAnything,
  });
  assert.deepEqual([...image.instances], toThemselves(images[0]));
});

Deno.test("inspectIndex() returns the platform of an instance as a value", async () => {
  const { systemContext } = await makeWorld("linux/arm64/v8", "windows/amd64:10.0.20348.1");
  const { instances } = await inspectIndex(TARGET, { systemContext });
  assert.deepEqual(instances.map(({ platform }) => platform), [
    { os: "linux", architecture: "arm64", variant: "v8" },
    { os: "windows", architecture: "amd64", osVersion: "10.0.20348.1" },
    { os: "unknown", architecture: "unknown" },
    { os: "unknown", architecture: "unknown" },
  ]);
  const image = await inspectIndex(`${HOST}/app@${instances[0]!.digest}`, { systemContext });
  assert.deepEqual(image.instances.map(({ platform }) => platform), [undefined]);
});
