import assert from "node:assert/strict";
import { convertIndex, editIndex, type WrittenInstance } from "../../src/copy/edit_index.ts";
import { chooseRecoding, type LayerForm, type LayerPolicy, satisfiesPolicy } from "../../src/copy/layer_policy.ts";
import { planOperations } from "../../src/copy/operations.ts";
import { assertDigest, planCopy } from "../../src/copy/plan.ts";
import type { CopySettings } from "../../src/copy/plan_types.ts";
import type { ReadImage, ReadIndex } from "../../src/copy/read_types.ts";
import { selectInstances } from "../../src/copy/select.ts";
import { isTransient, retry } from "../../src/copy/retry.ts";
import { RegistryError } from "../../src/registry/room.ts";
import {
  type Descriptor,
  digestOf,
  getEntries,
  isIndex,
  ManifestsError,
  MEDIA_TYPES,
  type ParsedImage,
  parseManifest,
  parseReference,
  serializeOciIndex,
  ZSTD_ANNOTATION,
} from "../../src/spec/room.ts";
import { describe, encode, makeImage } from "../support/images.ts";

const IMAGES = ["amd64", "arm64"].map((architecture) => makeImage({ architecture, layers: [encode("shared")] }));
function indexOf(entries: Descriptor[]) {
  const bytes = serializeOciIndex({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: entries });
  const manifest = parseManifest(bytes);
  assert.ok(isIndex(manifest));
  return { digest: digestOf(bytes), manifest };
}

const ENTRIES = IMAGES.map(({ manifest }, i) => ({
  ...describe(MEDIA_TYPES.ociManifest, manifest),
  platform: { os: "linux", architecture: ["amd64", "arm64"][i]! },
}));
const TOP = indexOf([...ENTRIES, ENTRIES[0]!]);
const BARE = { signatures: [], referrers: [] };
const READ = IMAGES.map(({ digest, manifest, blobs }, i): ReadImage => ({
  kind: "image",
  digest,
  place: { instance: digest },
  manifest: parseManifest(manifest) as ParsedImage,
  layers: undefined,
  origins: new Map(
    blobs.map(({ descriptor }) => [descriptor.digest, { scope: `docker://${"ab"[i]}`, location: "x" }]),
  ),
  ...BARE,
}));
const READ_TOP: ReadIndex = { kind: "index", ...TOP, place: {}, members: READ, ...BARE };
const WANTED = { os: "linux", architecture: "arm64" };

function plan(options: Partial<Parameters<typeof planCopy>[0]> = {}) {
  return planCopy({
    top: READ_TOP,
    abilities: { manifestTypes: [], mountScope: "docker://a" },
    settings: {},
    ...options,
  });
}

Deno.test("selectInstances() takes each instance once, in the order of the index", () => {
  const digests = IMAGES.map(({ digest }) => digest);
  assert.deepEqual(selectInstances(TOP.manifest, { selection: "all", platform: WANTED }), digests);
  assert.deepEqual(selectInstances(TOP.manifest, { selection: "system", platform: WANTED }), [digests[1]]);
  const specific = { selection: "specific", instances: digests.toReversed(), platform: WANTED } as const;
  assert.deepEqual(selectInstances(TOP.manifest, specific), digests);
  assert.deepEqual(selectInstances(TOP.manifest, { selection: "specific", platform: WANTED }), []);
});

Deno.test("a plan has the blobs of each image and their origins", () => {
  const { images, top } = plan();
  assert.deepEqual(images.map(({ digest }) => digest), IMAGES.map(({ digest }) => digest));
  for (const [i, { layers, config, types }] of images.entries()) {
    const blobs = [...layers, config!];
    assert.deepEqual(blobs.map(({ descriptor }) => descriptor), IMAGES[i]!.blobs.map(({ descriptor }) => descriptor));
    assert.deepEqual(new Set(blobs.map(({ origin }) => origin?.scope)), new Set([`docker://${"ab"[i]}`]));
    assert.equal(types[0], MEDIA_TYPES.ociManifest);
  }
  assert.ok(top.kind === "index");
  assert.deepEqual([top.digest, top.whole, top.members.length], [TOP.digest, true, 2]);
});

Deno.test("planCopy() rejects images that cannot be copied", () => {
  const only = (...manifestTypes: string[]) => ({ abilities: { manifestTypes } });
  assert.throws(() => plan(only(MEDIA_TYPES.dockerManifest)), { code: "MANIFEST_TYPE_NOT_SUPPORTED" });
  const docker = only(MEDIA_TYPES.dockerManifest, MEDIA_TYPES.dockerList);
  assert.throws(() => plan({ ...docker, settings: { fixed: "because" } }), { code: "CANNOT_MODIFY" });
  const zstd = { manifestType: MEDIA_TYPES.dockerManifest, compressionFormat: "zstd" as const };
  const compress = { manifestTypes: [], layerCompression: "compress" as const };
  assert.throws(() => plan({ abilities: compress, settings: { ...zstd } }), { code: "COMPRESSION_NOT_SUPPORTED" });
  const variants = { manifestType: MEDIA_TYPES.dockerManifest, addCompression: ["zstd" as const] };
  assert.throws(() => plan({ abilities: compress, settings: variants }), { code: "COMPRESSION_NOT_SUPPORTED" });
  const other = parseReference(`quay.io/a@sha256:${"0".repeat(64)}`);
  assert.throws(() => assertDigest(other, TOP.digest), { code: "DIGEST_MISMATCH" });
  assertDigest(parseReference("quay.io/a:1"), TOP.digest);
});

Deno.test("an artifact is written only in its own media type", () => {
  const manifest = parseManifest(encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, layers: [] }));
  assert.ok(!isIndex(manifest));
  const top = { ...READ[0]!, manifest };
  assert.deepEqual(plan({ top }).images[0]!.types, [MEDIA_TYPES.ociManifest]);
  const docker = { manifestTypes: [MEDIA_TYPES.dockerManifest] };
  assert.throws(() => plan({ top, abilities: docker }), { code: "CONVERSION_NOT_SUPPORTED" });
});

Deno.test("a source that returns other layers than its manifest names is rejected if nothing may change", () => {
  const [image] = READ;
  const layers = image!.manifest.layers.map((layer) => ({ ...layer, digest: digestOf(encode("plain")) }));
  const top = { ...image!, layers };
  assert.equal(plan({ top }).images[0]!.layers[0]!.descriptor, layers[0]);
  assert.throws(() => plan({ top, settings: { fixed: "because" } }), { code: "CANNOT_MODIFY" });
  assert.throws(() => plan({ top: { ...top, layers: [] } }), { code: "INVALID_MANIFEST" });
});

Deno.test("a plan for a destination with another format has that format and fallbacks", () => {
  const docker = plan({ abilities: { manifestTypes: [MEDIA_TYPES.dockerManifest, MEDIA_TYPES.dockerList] } });
  assert.deepEqual(docker.images.map(({ types }) => types), [
    [MEDIA_TYPES.dockerManifest],
    [MEDIA_TYPES.dockerManifest],
  ]);
  assert.deepEqual(docker.top.types, [MEDIA_TYPES.dockerList]);
  const any = plan();
  assert.deepEqual(any.images[0]!.types, [
    MEDIA_TYPES.ociManifest,
    MEDIA_TYPES.dockerManifest,
    MEDIA_TYPES.dockerSchema1Signed,
    MEDIA_TYPES.dockerSchema1,
  ]);
  assert.deepEqual(any.top.types, [MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerList]);
});

Deno.test("a platform gets each missing variant once, right after its first instance", () => {
  const operations = (settings: CopySettings, abilities = {}) =>
    plan({ settings, abilities: { manifestTypes: [], layerCompression: "compress", ...abilities } }).images.map((
      { digest, variant },
    ) => [IMAGES.findIndex((image) => image.digest === digest), variant]);
  assert.deepEqual(operations({ addCompression: ["gzip"] }), [[0, undefined], [1, undefined]]);
  assert.deepEqual(operations({ addCompression: ["zstd"] }), [[0, undefined], [0, "zstd"], [1, undefined], [
    1,
    "zstd",
  ]]);
  const all = operations({ addCompression: ["zstd:chunked", "zstd", "gzip"] });
  // Clients that read zstd can also read zstd:chunked.
  assert.deepEqual(all, [[0, undefined], [0, "zstd:chunked"], [1, undefined], [1, "zstd:chunked"]]);
  const forced = operations({ addCompression: ["gzip"], compressionFormat: "zstd", forceCompressionFormat: true });
  assert.deepEqual(forced, [[0, undefined], [0, "gzip"], [1, undefined], [1, "gzip"]]);
  assert.throws(() => operations({ addCompression: ["zstd"], fixed: "because" }), { code: "CANNOT_MODIFY" });
  const plain = { layerCompression: "decompress" };
  assert.deepEqual(operations({ addCompression: ["gzip"] }, plain), [[0, undefined], [0, "gzip"], [1, undefined], [
    1,
    "gzip",
  ]]);
});

Deno.test("variants are planned in linear time", () => {
  let looks = 0;
  const manifests = Array.from({ length: 300 }, (_, i): Descriptor => {
    const digest = digestOf(encode(`${i}`));
    return {
      mediaType: MEDIA_TYPES.ociManifest,
      get digest() {
        looks++;
        return digest;
      },
      size: 1,
      platform: { os: "linux", architecture: `a${i}` },
    };
  });
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests } as const;
  const operations = planOperations({ kind: "oci-index", bytes: encode("{}"), mediaType: index.mediaType, index }, {
    chosen: manifests.map(({ digest }) => digest),
    addCompression: ["gzip", "zstd"],
    getCompression: () => "gzip",
  });
  assert.deepEqual(operations.map(({ variant }) => variant?.algorithm), manifests.flatMap(() => [undefined, "zstd"]));
  assert.ok(looks < 10 * manifests.length, `${looks}`);
});

Deno.test("chooseRecoding() depends on the policy and the form of the layer", () => {
  const base = { changeable: true, algorithm: undefined, level: undefined, required: false, zstd: true };
  const rows: [Partial<LayerPolicy>, LayerForm & string, string | undefined][] = [
    [{ mode: "compress" }, "uncompressed", ">gzip"],
    [{ mode: "compress", algorithm: "zstd" }, "uncompressed", ">zstd"],
    [{ mode: "compress" }, "gzip", undefined],
    [{ mode: "compress" }, "zstd", undefined],
    [{ mode: "compress" }, "bzip2", undefined],
    [{ mode: "compress", zstd: false }, "zstd", "zstd>gzip"],
    [{ mode: "preserve", zstd: false }, "zstd:chunked", "zstd>gzip"],
    [{ mode: "compress", algorithm: "gzip" }, "zstd", "zstd>gzip"],
    [{ mode: "compress", algorithm: "zstd" }, "gzip", "gzip>zstd"],
    [{ mode: "compress", algorithm: "zstd" }, "zstd:chunked", undefined],
    [{ mode: "compress", algorithm: "zstd:chunked" }, "zstd", "zstd>zstd:chunked"],
    [{ mode: "compress", changeable: false }, "uncompressed", undefined],
    [{ mode: "preserve" }, "uncompressed", undefined],
    [{ mode: "preserve" }, "gzip", undefined],
    [{ mode: "decompress" }, "gzip", "gzip>"],
    [{ mode: "decompress" }, "uncompressed", undefined],
  ];
  for (const [policy, form, expected] of rows) {
    const recoding = chooseRecoding({ mode: "preserve", ...base, ...policy }, form);
    const actual = recoding && `${recoding.decompress ?? ""}>${recoding.compress?.algorithm ?? ""}`;
    assert.equal(actual, expected, JSON.stringify([policy, form]));
  }
});

Deno.test("an existing blob is reused only if its form satisfies the policy", () => {
  const base = {
    changeable: true,
    mode: "compress",
    algorithm: undefined,
    level: undefined,
    required: false,
    zstd: true,
  };
  const rows: [Partial<LayerPolicy>, LayerForm, boolean][] = [
    [{}, "uncompressed", true],
    [{}, undefined, true],
    [{ zstd: false }, "zstd", false],
    [{ zstd: false }, "gzip", true],
    [{ algorithm: "zstd" }, "gzip", true],
    [{ algorithm: "zstd", required: true }, "gzip", false],
    [{ algorithm: "zstd", required: true }, undefined, false],
    [{ algorithm: "zstd", required: true }, "zstd:chunked", true],
    [{ algorithm: "zstd:chunked", required: true }, "zstd", false],
    [{ mode: "decompress" }, "gzip", false],
    [{ mode: "decompress" }, "uncompressed", true],
    [{ changeable: false, mode: "decompress" }, "gzip", true],
  ];
  for (const [policy, form, expected] of rows) {
    assert.equal(
      satisfiesPolicy({ ...base, ...policy } as LayerPolicy, form),
      expected,
      JSON.stringify([policy, form]),
    );
  }
});

Deno.test("editIndex() keeps the bytes unless something changed, and marks zstd", () => {
  const [first, second] = IMAGES.map(({ digest, manifest }): WrittenInstance => ({
    source: digest,
    variantEntries: undefined,
    digest,
    size: manifest.length,
    mediaType: MEDIA_TYPES.ociManifest,
    zstd: false,
  })) as [WrittenInstance, WrittenInstance];
  const marked = editIndex(TOP.manifest, [{ ...first, zstd: true }, second]);
  assert.deepEqual(
    getEntries(marked).map((entry) => "annotations" in entry && entry.annotations?.[ZSTD_ANNOTATION]),
    ["true", false, "true"],
  );
  assert.equal(editIndex(marked, [{ ...first, zstd: true }, second]), marked);
  assert.equal(editIndex(TOP.manifest, [{ ...first, zstd: true }, second], { fixed: true }), TOP.manifest);
  const other = digestOf(encode("other"));
  const edited = editIndex(TOP.manifest, [
    first,
    { ...second, digest: other, size: 7, zstd: true },
    { ...first, variantEntries: [0], digest: digestOf(encode("zstd")), zstd: true },
    { ...second, variantEntries: [1], digest: digestOf(encode("gzip")), zstd: false },
  ]);
  const rows = getEntries(edited).map((entry) => [
    entry.digest,
    entry.platform?.architecture,
    "annotations" in entry ? entry.annotations?.[ZSTD_ANNOTATION] : undefined,
  ]);
  assert.deepEqual(rows, [
    [first.digest, "amd64", undefined],
    [first.digest, "amd64", undefined],
    [digestOf(encode("gzip")), "arm64", undefined],
    [other, "arm64", "true"],
    [digestOf(encode("zstd")), "amd64", "true"],
  ]);
  // A variant with the digest of an existing entry is not listed twice.
  const same = editIndex(TOP.manifest, [first, second, { ...first, variantEntries: [1] }]);
  assert.deepEqual(getEntries(same).map(({ digest }) => digest), getEntries(TOP.manifest).map(({ digest }) => digest));
  const embedded = indexOf([{ ...ENTRIES[0]!, data: IMAGES[0]!.manifest }]).manifest;
  const changed = editIndex(embedded, [{ ...first, digest: other, size: 7 }]);
  assert.ok(!("data" in getEntries(changed)[0]!));
  assert.ok("data" in getEntries(editIndex(embedded, [{ ...first, size: 9 }]))[0]!);
  const wrongSize = editIndex(TOP.manifest, [{ ...first, size: first.size + 1 }, second]);
  assert.notEqual(wrongSize, TOP.manifest);
  const docker = convertIndex(TOP.manifest, MEDIA_TYPES.dockerList, WANTED);
  assert.equal(docker.mediaType, MEDIA_TYPES.dockerList);
  assert.equal(convertIndex(docker, MEDIA_TYPES.dockerList, WANTED), docker);
});

Deno.test("an index that never had instances is written with an empty array, in both formats", () => {
  for (const mediaType of [MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerList]) {
    const manifest = parseManifest(encode({ schemaVersion: 2, mediaType, manifests: null }));
    assert.ok(isIndex(manifest));
    const { manifests } = JSON.parse(new TextDecoder().decode(editIndex(manifest, []).bytes));
    assert.deepEqual(manifests, []);
    assert.equal(editIndex(manifest, [], { fixed: true }), manifest);
  }
});

const status = (status: number) => new RegistryError({ status, method: "GET", url: "https://x/", diagnostics: [] });

Deno.test("only temporary failures are retried", async () => {
  const rows: [unknown, boolean][] = [
    [new ManifestsError("NETWORK", "x"), true],
    [status(429), true],
    [status(500), true],
    [status(503), true],
    [status(408), true],
    [status(501), false],
    [new ManifestsError("NETWORK", "x"), true],
    [new ManifestsError("NETWORK", "x", { isTransient: false }), false],
    [new ManifestsError("REGISTRY_ERROR", "x", { isTransient: true }), true],
    [status(400), false],
    [status(401), false],
    [status(403), false],
    [status(404), false],
    [new ManifestsError("POLICY_REJECTED", "x"), false],
    [new TypeError("x"), false],
    ["x", false],
  ];
  for (const [error, expected] of rows) assert.equal(isTransient(error), expected, String(error));
  const run = async (failures: number, maxRetries: number) => {
    let tries = 0;
    const work = () => tries++ < failures ? Promise.reject(status(503)) : Promise.resolve(tries);
    const signal = new AbortController().signal;
    return await retry("step", work, { maxRetries, retryDelay: 0, emit: () => {}, signal });
  };
  assert.equal(await run(2, 2), 3);
  await assert.rejects(run(3, 2), { status: 503 });
  await assert.rejects(run(1, 0), { status: 503 });
});
