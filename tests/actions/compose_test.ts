/** `composeIndex`: which entries an index gets, in which order, and what is refused before anything is written. */
import assert from "node:assert/strict";
import { composeIndex } from "../../src/system/remote/room.ts";
import type { ComposeIndexOptions } from "../../src/system/remote/mod.ts";
import {
  createPlatform,
  formatPlatform,
  MEDIA_TYPES,
  parseManifest,
  parsePlatform,
  type Platform,
} from "../../src/spec/room.ts";
import { pushBuildKit } from "../support/buildkit.ts";
import { ComposeWorld, images, ONE, TWO } from "../support/compose_world.ts";
import { encode, makeImage, makeTar, pushImage } from "../support/images.ts";

const at = (tag: string) => `${ONE}/app:${tag}`;

interface Entry {
  digest: string;
  platform?: Record<string, unknown>;
  annotations?: Record<string, string>;
  artifactType?: string;
}

/** Composes `app:1`, and returns the index that the registry has then. */
async function compose(world: ComposeWorld, options: Omit<ComposeIndexOptions, "target" | "systemContext">) {
  const { systemContext } = world;
  const result = await composeIndex({ target: at("1"), systemContext, ...options });
  const { bytes } = await world.repository().getManifest("1");
  assert.deepEqual(bytes, result.manifest);
  const index = JSON.parse(new TextDecoder().decode(bytes));
  const entries: Entry[] = index.manifests ?? [];
  const platforms = entries.map(({ platform = {} }) => {
    const { "os.version": osVersion, "os.features": osFeatures, ...rest } = platform;
    return formatPlatform(createPlatform({ ...rest, osVersion, osFeatures } as Partial<Platform>));
  });
  return { result, index, entries, platforms };
}

/** A world with images for these platforms, tagged by them: `linux-arm-v7`. */
async function makeWorld(...platforms: string[]): Promise<ComposeWorld> {
  const world = new ComposeWorld();
  for (const platform of platforms) {
    await pushImage(world.repository(), makeImage(parsePlatform(platform)), toTag(platform));
  }
  return world;
}

const toTag = (platform: string) => platform.replaceAll(/[/:]/g, "-");

Deno.test("entries are in the order of the sources, or by platform, whatever the digests are", async () => {
  const platforms = [
    "windows/amd64:10.0.20348.1",
    "linux/s390x",
    "linux/arm/v7",
    "windows/amd64:10.0.9600.1",
    "linux/amd64",
    "linux/arm/v6",
    "linux/arm64",
  ];
  const world = await makeWorld(...platforms);
  const sources = platforms.map((platform) => at(toTag(platform)));
  assert.deepEqual((await compose(world, { sources })).platforms, platforms);
  const sorted = [
    "linux/amd64",
    "linux/arm/v6",
    "linux/arm/v7",
    "linux/arm64",
    "linux/s390x",
    "windows/amd64:10.0.9600.1",
    "windows/amd64:10.0.20348.1",
  ];
  const { platforms: found, result } = await compose(world, { sources, order: "platform" });
  assert.deepEqual(found, sorted);
  const again = await compose(world, { sources: sources.toReversed(), order: "platform" });
  assert.equal(again.result.digest, result.digest);
});

Deno.test("sources are taken whole, with attestations; sorted, each attestation follows its image", async () => {
  const world = await makeWorld("linux/s390x");
  const built = await pushBuildKit(world.repository(), "built", ["linux/arm64", "linux/amd64"].map(parsePlatform));
  const sources = [at("linux-s390x"), at("built")];
  const { platforms } = await compose(world, { sources });
  const unknown = "unknown/unknown";
  assert.deepEqual(platforms, ["linux/s390x", "linux/arm64", "linux/amd64", unknown, unknown]);
  const sorted = await compose(world, { sources, order: "platform" });
  assert.deepEqual(sorted.platforms, ["linux/amd64", unknown, "linux/arm64", unknown, "linux/s390x"]);
  const [arm64, amd64] = built.attestations;
  assert.deepEqual([sorted.entries[1]!.digest, sorted.entries[3]!.digest], [amd64, arm64]);
  const without = await compose(world, { sources, attestations: false });
  assert.deepEqual(without.platforms, ["linux/s390x", "linux/arm64", "linux/amd64"]);
});

Deno.test("platforms select from all sources, with attestations; a missing one is an error", async () => {
  const world = await makeWorld("linux/s390x", "windows/amd64:10.0.1");
  await pushBuildKit(world.repository(), "built", ["linux/arm64", "linux/amd64"].map(parsePlatform));
  const sources = [at("linux-s390x"), at("built"), at("windows-amd64-10.0.1")];
  const rows: [platforms: string[], found: string[]][] = [
    [["linux/amd64", "linux/s390x"], ["linux/s390x", "linux/amd64", "unknown/unknown"]],
    [["linux"], ["linux/s390x", "linux/arm64", "linux/amd64", "unknown/unknown", "unknown/unknown"]],
    [["windows/amd64"], ["windows/amd64:10.0.1"]],
  ];
  for (const [platforms, found] of rows) {
    assert.deepEqual((await compose(world, { sources, platforms })).platforms, found);
  }
  await assert.rejects(compose(world, { sources, platforms: ["linux/amd64", "linux/riscv64"] }), {
    code: "NO_MATCHING_PLATFORM",
    message: /linux\/riscv64.*linux\/s390x/,
  });
  // The images that were not chosen, and are not read, are named as well.
  await assert.rejects(compose(world, { sources: [at("built")], platforms: ["linux/riscv64"] }), {
    message: "Cannot select linux/riscv64: the sources contain only linux/arm64, linux/amd64",
  });
});

Deno.test("two images for one platform are refused; the same image twice is one entry with all annotations", async () => {
  const world = await makeWorld("linux/amd64", "linux/arm64");
  const other = makeImage({ architecture: "arm64", variant: "v8", layers: [makeTar("other")] });
  await pushImage(world.repository(), other, "other");
  const sources = [at("linux-amd64"), at("linux-arm64"), at("other")];
  await assert.rejects(compose(world, { sources }), {
    code: "DUPLICATE_PLATFORM",
    message: /linux\/arm64.*app:linux-arm64 .*app:other /,
  });
  assert.deepEqual(world.writes, []);
  const { entries } = await compose(world, {
    sources: [
      { image: at("linux-amd64"), annotations: { a: "1" } },
      at("linux-amd64"),
      { image: at("linux-amd64"), annotations: { b: "2" } },
    ],
  });
  assert.deepEqual(entries.map(({ annotations }) => annotations), [{ a: "1", b: "2" }]);
});

Deno.test("variants of one source that differ in compression stay: only several sources can be in conflict", async () => {
  const world = await makeWorld("linux/amd64");
  const repository = world.repository();
  const second = makeImage({ architecture: "amd64", layers: [makeTar("second")] });
  await pushImage(repository, second, "second");
  const describe = async (tag: string) => ({
    ...await repository.headManifest(tag),
    platform: { os: "linux", architecture: "amd64" },
  });
  const manifests = [await describe("linux-amd64"), await describe("second")];
  await repository.putManifest("both", encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }));
  assert.equal((await compose(world, { sources: [at("both")], annotations: { a: "b" } })).entries.length, 2);
});

Deno.test("a declared platform replaces the image's; members that it leaves out are the image's", async () => {
  const world = await makeWorld("linux/arm/v7", "windows/amd64:10.0.1");
  const rows: [image: string, platform: string | object, found: string][] = [
    ["linux-arm-v7", "linux/arm/v6", "linux/arm/v6"],
    ["linux-arm-v7", "linux/arm", "linux/arm/v7"],
    ["linux-arm-v7", "linux/amd64", "linux/amd64"],
    ["windows-amd64-10.0.1", "windows/amd64:10.0.2", "windows/amd64:10.0.2"],
    [
      "windows-amd64-10.0.1",
      { os: "windows", architecture: "amd64", osFeatures: ["win32k"] },
      "windows/amd64:10.0.1+win32k",
    ],
  ];
  for (const [image, platform, found] of rows) {
    assert.deepEqual((await compose(world, { sources: [{ image: at(image), platform }] })).platforms, [found]);
  }
  const both = await compose(world, {
    sources: ["linux/arm/v6", "linux/arm/v7"].map((platform) => ({ image: at("linux-arm-v7"), platform })),
  });
  assert.deepEqual(both.platforms, ["linux/arm/v6", "linux/arm/v7"]);
  assert.equal(both.entries[0]!.digest, both.entries[1]!.digest);
  const expected = (expectedPlatform: string, more = {}) =>
    compose(world, { sources: [{ image: at("linux-arm-v7"), expectedPlatform }], ...more });
  assert.deepEqual((await expected("linux/arm")).platforms, ["linux/arm/v7"]);
  await assert.rejects(expected("linux/arm64"), { code: "PLATFORM_MISMATCH", message: /linux\/arm64.*linux\/arm\/v7/ });
  assert.deepEqual((await expected("linux/arm64", { allowPlatformMismatch: true })).platforms, ["linux/arm64"]);
});

Deno.test("required platforms are checked before anything is written", async () => {
  const world = await makeWorld("linux/amd64", "linux/arm64");
  const sources = [at("linux-amd64"), at("linux-arm64")];
  await assert.rejects(
    compose(world, { sources, require: ["linux/amd64", "linux/s390x", "linux/riscv64"] }),
    { code: "NO_MATCHING_PLATFORM", message: /linux\/s390x, linux\/riscv64: .* only linux\/amd64, linux\/arm64/ },
  );
  assert.deepEqual(world.writes, []);
  await compose(world, { sources, require: ["linux/amd64", "linux/arm64/v8"] });
});

Deno.test("options of other types than theirs are refused before a registry is asked", async () => {
  const fetch = () => Promise.reject(new Error("a registry was asked"));
  const systemContext = { fetch };
  const good = { target: at("1"), sources: [at("linux-amd64")], systemContext };
  const rows: [options: object, name: string, message: RegExp][] = [
    [{ sources: at("linux-amd64") }, "TypeError", /sources must be an array, but is "one\.example/],
    [{ sources: undefined }, "TypeError", /sources must be an array, but is undefined/],
    [{ sources: [] }, "TypeError", /^Cannot compose an index without sources$/],
    [{ tags: "latest" }, "TypeError", /tags must be an array, but is "latest"/],
    [{ require: "linux/amd64" }, "TypeError", /require must be an array/],
    [{ platforms: "linux/amd64" }, "TypeError", /platforms must be an array/],
    [{ wait: NaN }, "RangeError", /wait must be a number of milliseconds, but is NaN/],
    [{ wait: "2m" }, "RangeError", /wait must be a number of milliseconds, but is "2m"/],
    [{ wait: -1 }, "RangeError", /wait must be/],
    [{ order: "name" }, "RangeError", /order must be "given" or "platform", but is "name"/],
    [{ systemContext: { fetch, maxRetries: NaN } }, "RangeError", /maxRetries NaN/],
  ];
  for (const [options, name, message] of rows) {
    const composing = composeIndex({ ...good, ...options } as ComposeIndexOptions);
    await assert.rejects(composing, { name, message }, JSON.stringify(options));
  }
});

Deno.test("missing sources: an error, left out, or waited for", async () => {
  const world = await makeWorld("linux/amd64", "linux/arm64");
  const sources = [at("linux-amd64"), at("later")];
  await assert.rejects(compose(world, { sources }), { code: "NOT_FOUND" });
  const missing: string[] = [];
  const onMissing = (image: string) => void missing.push(image);
  const found = await compose(world, { sources, ignoreMissing: true, onMissing });
  assert.deepEqual([found.platforms, missing], [["linux/amd64"], [at("later")]]);
  const optional = await compose(world, { sources: [at("linux-amd64"), { image: at("later"), optional: true }] });
  assert.deepEqual(optional.platforms, ["linux/amd64"]);
  await assert.rejects(compose(world, { sources: [at("x"), at("y")], ignoreMissing: true }), {
    code: "NOT_FOUND",
    message: /none of its sources exists/,
  });
  await assert.rejects(compose(world, { sources, ignoreMissing: true, require: ["linux/arm64"] }), {
    code: "NO_MATCHING_PLATFORM",
  });
  // The image appears after it has been looked for three times.
  let looks = 0;
  world.intercept = (request, text) =>
    request.method === "GET" && text.endsWith("/manifests/later") && ++looks === 4
      ? Response.redirect(request.url.replace("later", "linux-arm64"))
      : undefined;
  assert.deepEqual((await compose(world, { sources, wait: 60_000 })).platforms, ["linux/amd64", "linux/arm64"]);
  assert.equal(looks, 4);
  looks = 10;
  await assert.rejects(compose(world, { sources, wait: 4000 }), {
    code: "NOT_FOUND",
    message: /^Cannot find .*later after waiting for 4 s: .*404/,
  });
  // At once, after 1 s, after 2 s more, and at the end.
  assert.equal(looks, 14);
});

Deno.test("append keeps existing entries and bytes; replace puts an image in the place of another", async () => {
  const world = await makeWorld("linux/amd64", "linux/arm64", "linux/s390x");
  const built = await pushBuildKit(world.repository(), "built", [parsePlatform("linux/amd64")]);
  const old = makeImage({ architecture: "amd64", layers: [makeTar("old")] });
  await pushImage(world.repository(), old, "linux-amd64");
  const annotations = { team: "release" };
  await assert.rejects(compose(world, { sources: [at("linux-amd64")], append: true }), {
    code: "NOT_FOUND",
    message: /^Cannot append to .*app:1: it does not exist: leave out append \(--append\) to create it$/,
  });
  await compose(world, { sources: [at("linux-amd64"), at("linux-arm64")], annotations });
  const appended = await compose(world, { sources: [at("linux-s390x")], append: true });
  assert.deepEqual(appended.platforms, ["linux/amd64", "linux/arm64", "linux/s390x"]);
  assert.deepEqual(appended.index.annotations, annotations);
  world.requests.length = 0;
  const again = await compose(world, { sources: [at("linux-s390x")], append: true });
  assert.deepEqual([again.result.unchanged, world.writes], [true, []]);
  await assert.rejects(compose(world, { sources: [at("built")], append: true }), { code: "DUPLICATE_PLATFORM" });
  const replaced = await compose(world, { sources: [at("built")], append: true, replace: true });
  assert.deepEqual(replaced.platforms, ["linux/amd64", "linux/arm64", "linux/s390x", "unknown/unknown"]);
  assert.equal(replaced.entries[0]!.digest, built.images[0]);
  const back = await compose(world, { sources: [at("linux-amd64")], append: true, replace: true });
  assert.deepEqual(
    back.platforms,
    ["linux/amd64", "linux/arm64", "linux/s390x"],
    "its attestation went with the image",
  );
});

Deno.test("append keeps an image that another writer adds at the same time", async () => {
  const world = await makeWorld("linux/amd64", "linux/arm64", "linux/s390x");
  const { systemContext } = world;
  await compose(world, { sources: [at("linux-amd64")] });
  await Promise.all(
    ["linux-arm64", "linux-s390x"].map((tag) =>
      composeIndex({ target: at("1"), sources: [at(tag)], append: true, systemContext })
    ),
  );
  const { platforms } = await compose(world, { sources: [at("linux-amd64")], append: true });
  assert.deepEqual(platforms.toSorted(), ["linux/amd64", "linux/arm64", "linux/s390x"]);
});

Deno.test("twelve jobs that publish the same release at the same time agree", async () => {
  const world = await makeWorld("linux/amd64", "linux/arm64");
  const { systemContext } = world;
  const options = {
    target: at("1"),
    tags: ["latest", `${TWO}/app:1`],
    sources: [at("linux-amd64"), at("linux-arm64")],
  };
  const results = await Promise.all(Array.from({ length: 12 }, () => composeIndex({ ...options, systemContext })));
  assert.equal(new Set(results.map(({ digest }) => digest)).size, 1);
  const digests = [await world.digest("1"), await world.digest("latest"), await world.digest("1", "app", TWO)];
  assert.deepEqual(digests, Array(3).fill(results[0]!.digest));
});

Deno.test("twelve jobs that add one image each to one index: all are there", async () => {
  const names = Array.from({ length: 12 }, (_, i) => `arch${i}`);
  const world = new ComposeWorld();
  await world.push(images("amd64", ...names));
  const { systemContext } = world;
  await compose(world, { sources: [at("amd64")] });
  await Promise.all(
    names.map((name) => composeIndex({ target: at("1"), sources: [at(name)], append: true, systemContext })),
  );
  const { entries } = await compose(world, { sources: [at("amd64")], append: true });
  assert.equal(entries.length, 13);
});

Deno.test("the only source: an index keeps its bytes, an image becomes an index unless the caller says otherwise", async () => {
  const world = await makeWorld("linux/amd64");
  const repository = world.repository();
  await pushBuildKit(repository, "built", [parsePlatform("linux/amd64")]);
  const { bytes } = await repository.getManifest("built");
  const pretty = encode(JSON.stringify(JSON.parse(new TextDecoder().decode(bytes)), undefined, 2));
  const digest = await repository.putManifest("pretty", pretty);
  assert.equal((await compose(world, { sources: [at("pretty")] })).result.digest, digest);
  assert.equal((await compose(world, { sources: [at("pretty")], preferIndex: false })).result.digest, digest);
  const changed = await compose(world, { sources: [at("pretty")], annotations: { a: "b" } });
  assert.deepEqual([changed.entries.length, changed.index.annotations], [2, { a: "b" }]);
  assert.equal((await compose(world, { sources: [at("linux-amd64")] })).entries.length, 1);
  const image = await compose(world, { sources: [at("linux-amd64")], preferIndex: false, attestations: false });
  assert.equal(image.result.digest, await world.digest("linux-amd64"));
  assert.equal(image.result.mediaType, MEDIA_TYPES.ociManifest);
  const kept = compose(world, { sources: [at("linux-amd64")], preferIndex: false, annotations: { a: "b" } });
  await assert.rejects(kept, { code: "CANNOT_MODIFY" });
});

Deno.test("nested: an index is one entry, and is copied with its images to another repository", async () => {
  const world = await makeWorld("linux/amd64");
  const built = await pushBuildKit(world.repository(), "built", [parsePlatform("linux/arm64")]);
  const { entries } = await compose(world, { sources: [at("linux-amd64"), at("built")], nested: true });
  assert.deepEqual(entries.map(({ digest }) => digest), [await world.digest("linux-amd64"), built.digest]);
  const { systemContext } = world;
  await composeIndex({ target: `${TWO}/copy:1`, sources: [at("built")], nested: true, systemContext });
  for (const digest of [built.digest, ...built.images, ...built.attestations]) {
    assert.equal(await world.digest(digest, "copy", TWO), digest);
  }
});

Deno.test("annotations of entries, by platform or of all", async () => {
  const world = await makeWorld("linux/amd64", "linux/arm/v7");
  await pushBuildKit(world.repository(), "built", [parsePlatform("linux/arm64")]);
  const sources = [at("linux-amd64"), { image: at("built"), annotations: { source: "b" } }, at("linux-arm-v7")];
  const { entries } = await compose(world, {
    sources,
    entryAnnotations: [{ annotations: { all: "1" } }, { platform: "linux/arm", annotations: { arm: "2" } }],
  });
  const [amd64, arm64, attestation, arm] = entries.map(({ annotations }) => annotations!);
  assert.deepEqual([amd64, arm64, arm], [{ all: "1" }, { all: "1", source: "b" }, { all: "1", arm: "2" }]);
  assert.deepEqual([attestation!.all, attestation!.source], ["1", undefined]);
  await assert.rejects(
    compose(world, { sources, entryAnnotations: [{ platform: "linux/riscv64", annotations: { a: "b" } }] }),
    { code: "NO_MATCHING_PLATFORM" },
  );
});

Deno.test("a Docker list: images are converted, and annotations are refused, not dropped", async () => {
  const world = await makeWorld("linux/amd64", "linux/arm64");
  const sources = [at("linux-amd64"), at("linux-arm64")];
  const manifestType = MEDIA_TYPES.dockerList;
  const { result } = await compose(world, { sources, manifestType });
  assert.equal(result.mediaType, MEDIA_TYPES.dockerList);
  for (const digest of result.instances.values()) {
    assert.equal((await world.repository().getManifest(digest)).mediaType, MEDIA_TYPES.dockerManifest);
  }
  const rows: Partial<ComposeIndexOptions>[] = [
    { annotations: { a: "b" } },
    { entryAnnotations: [{ annotations: { a: "b" } }] },
    { sources: [{ image: at("linux-amd64"), annotations: { a: "b" } }] },
    { artifactType: "application/x" },
  ];
  for (const row of rows) {
    await assert.rejects(compose(world, { sources, manifestType, ...row }), { code: "CONVERSION_NOT_SUPPORTED" });
  }
  // Images that are Docker's already need no conversion, so that a dry run knows the exact bytes.
  const docker = await compose(world, { sources: [at("1")], manifestType });
  const { systemContext } = world;
  const options = { target: at("2"), sources: [at("1"), at("1")], manifestType, systemContext };
  const plan = await composeIndex({ ...options, dryRun: true });
  assert.deepEqual([plan.digest, plan.mediaType], [docker.result.digest, manifestType]);
});

Deno.test("a registry that accepts only Docker lists does not drop annotations silently", async () => {
  const world = await makeWorld("linux/amd64");
  world.intercept = (request) =>
    request.method === "PUT" && request.headers.get("content-type") === MEDIA_TYPES.ociIndex
      ? Response.json({ errors: [{ code: "MANIFEST_INVALID" }] }, { status: 400 })
      : undefined;
  await assert.rejects(compose(world, { sources: [at("linux-amd64")], annotations: { a: "b" } }), {
    code: "MANIFEST_REJECTED",
  });
  assert.equal(await world.digest("1"), undefined);
  const { result } = await compose(world, { sources: [at("linux-amd64")] });
  assert.equal(result.mediaType, MEDIA_TYPES.dockerList);
});

Deno.test("artifact type and subject of the index", async () => {
  const world = await makeWorld("linux/amd64", "linux/arm64");
  const { index } = await compose(world, {
    sources: [at("linux-amd64")],
    artifactType: "application/vnd.example",
    subject: at("linux-arm64"),
  });
  assert.equal(index.artifactType, "application/vnd.example");
  assert.equal(index.subject.digest, await world.digest("linux-arm64"));
});

Deno.test("credentials without a registry are sent only to the registry of the first name", async () => {
  const world = await makeWorld("linux/amd64");
  await pushImage(world.repository("base", TWO), makeImage({ architecture: "arm64" }), "arm64");
  const seen = new Set<string>();
  world.intercept = (request) => {
    if (request.headers.has("authorization")) return void seen.add(new URL(request.url).host);
    return new Response(null, { status: 401, headers: { "www-authenticate": 'Basic realm="test"' } });
  };
  const systemContext = { ...world.systemContext, dockerAuthConfig: { username: "me", password: "secret" } };
  const rows: [tags: string[], sources: string[]][] = [
    [[], [`${TWO}/base:arm64`]],
    [[`${TWO}/copy:1`], [at("linux-amd64")]],
  ];
  for (const [tags, sources] of rows) {
    await assert.rejects(composeIndex({ target: at("1"), tags, sources, systemContext }), { code: "UNAUTHORIZED" });
  }
  await composeIndex({ target: at("1"), sources: [at("linux-amd64")], systemContext });
  assert.deepEqual([...seen], [ONE]);
});

Deno.test("names that are not in a registry are refused", async () => {
  const world = await makeWorld("linux/amd64");
  const { systemContext } = world;
  const sources = [at("linux-amd64")];
  await assert.rejects(composeIndex({ target: "Upper/x", sources, systemContext }), { code: "INVALID_REFERENCE" });
  await assert.rejects(composeIndex({ target: at("1"), tags: ["Upper/x"], sources, systemContext }), {
    code: "INVALID_REFERENCE",
  });
  assert.deepEqual(world.requests, []);
});

Deno.test("embedded content and CPU features of an existing index are kept", async () => {
  const world = await makeWorld("linux/amd64", "linux/arm64");
  const repository = world.repository();
  const { bytes } = await repository.getManifest("linux-amd64");
  const entry = { ...await repository.headManifest("linux-amd64"), data: btoa(new TextDecoder().decode(bytes)) };
  await repository.putManifest("1", encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [entry] }));
  const { index } = await compose(world, { sources: [at("linux-arm64")], append: true });
  assert.equal(index.manifests[0].data, entry.data);
  assert.equal(parseManifest(encode(index)).kind, "oci-index");
});
