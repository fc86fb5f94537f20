import assert from "node:assert/strict";
import { create, MEDIA_TYPES } from "../../mod.ts";
import { serializeOciIndex } from "../../src/spec/room.ts";
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

Deno.test("add() refuses an entry whose platform contradicts its image, unless told otherwise", async () => {
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

Deno.test("add() fills what an entry does not say from the configuration", async () => {
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

Deno.test("add() changes nothing where anything is wrong", async () => {
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
    [`${name}:1@sha256:${"0".repeat(64)}`, "INVALID_REFERENCE"],
    ["sif:layout", "UNSUPPORTED_TRANSPORT"],
    ["bogus://x", "UNSUPPORTED_TRANSPORT"],
    ["", "INVALID_REFERENCE"],
  ];
  for (const [image, code] of rows) {
    await assert.rejects(list.add(image, { all: true, systemContext }), { code }, image);
    assert.equal(list.size, 0);
  }
  await assert.rejects(list.add(`${name}:list`, { systemContext, signal: AbortSignal.abort("no") }), (e) => e === "no");
});
