import assert from "node:assert/strict";
import {
  convertToDockerList,
  convertToOciIndex,
  type Digest,
  getEntries,
  guessMediaType,
  isArtifact,
  isIndex,
  manifestDigest,
  MEDIA_TYPES,
  parseDockerList,
  parseManifest,
  parseOciIndex,
  readBlob,
  serializeDockerList,
  serializeOciIndex,
  UNKNOWN_SIZE,
  verifyManifestDigest,
} from "../../src/spec/room.ts";
import { encode, makeImage } from "../support/images.ts";

const D1 = `sha256:${"1".repeat(64)}`;
const D2 = `sha256:${"2".repeat(64)}`;

Deno.test("guessMediaType() guesses as container-libs does", () => {
  const rows: [unknown, string][] = [
    ["{", ""],
    [[], ""],
    [{ schemaVersion: 3 }, ""],
    [{ mediaType: MEDIA_TYPES.dockerList }, MEDIA_TYPES.dockerList],
    [{ mediaType: MEDIA_TYPES.ociIndex }, MEDIA_TYPES.ociIndex],
    [{ schemaVersion: 1 }, MEDIA_TYPES.dockerSchema1],
    [{ schemaVersion: 1, signatures: [{}] }, MEDIA_TYPES.dockerSchema1Signed],
    [{ schemaVersion: 2, config: { mediaType: MEDIA_TYPES.ociConfig } }, MEDIA_TYPES.ociManifest],
    [{ schemaVersion: 2, config: { mediaType: MEDIA_TYPES.dockerConfig } }, MEDIA_TYPES.dockerManifest],
    [{ schemaVersion: 2, manifests: [{}] }, MEDIA_TYPES.ociIndex],
    [{ schemaVersion: 2, manifests: [] }, MEDIA_TYPES.ociManifest],
  ];
  for (const [value, expected] of rows) assert.equal(guessMediaType(encode(value)), expected);
});

Deno.test("parseManifest() keeps the bytes and finds config and layers", () => {
  const image = makeImage({ architecture: "amd64" });
  const parsed = parseManifest(image.manifest);
  assert.ok(!isIndex(parsed));
  assert.equal(parsed.kind, "oci-image");
  assert.equal(parsed.bytes, image.manifest);
  assert.deepEqual([...parsed.layers, parsed.config], image.blobs.map(({ descriptor }) => descriptor));
});

Deno.test("parseManifest() rejects documents that can be read as two kinds", () => {
  const bodies = [
    { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [], layers: [] },
    { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [], CONFIG: {} },
    { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config: {}, layers: [], manifests: [] },
    { schemaVersion: 1, fsLayers: [], history: [], layers: [] },
  ];
  for (const body of bodies) assert.throws(() => parseManifest(encode(body)), { code: "AMBIGUOUS_MANIFEST" });
});

Deno.test("parseManifest() names the invalid member of a manifest", () => {
  const index = (entry: unknown) => ({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [entry] });
  const rows: [unknown, string, RegExp][] = [
    [{ mediaType: "text/plain" }, "MANIFEST_TYPE_NOT_SUPPORTED", /text\/plain/],
    [{ schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest }, "INVALID_MANIFEST", /no config/],
    [index({ mediaType: "m", digest: "x", size: 1 }), "INVALID_DIGEST", /manifests\[0\]\.digest.*"x"/],
    [index({ mediaType: "m", digest: D1, size: -1 }), "INVALID_JSON", /manifests\[0\]\.size/],
    [index({ mediaType: "m", digest: D1, size: 1e300 }), "INVALID_JSON", /manifests\[0\]\.size/],
    [index({ mediaType: 5, digest: D1, size: 1 }), "INVALID_JSON", /mediaType/],
    [index({ mediaType: "m", digest: D1, size: 1, platform: [] }), "INVALID_JSON", /platform/],
    [index("text"), "INVALID_JSON", /manifests\[0\]/],
  ];
  for (const [body, code, message] of rows) assert.throws(() => parseManifest(encode(body)), { code, message });
});

Deno.test("parseManifest() reads manifests without a configuration, as tools write them for artifacts", () => {
  const layers = [{ mediaType: "text/plain", digest: D1, size: 1 }];
  const configs = [undefined, null, {}, { mediaType: "a/b", digest: "", size: 0 }];
  for (const mediaType of [MEDIA_TYPES.ociManifest, MEDIA_TYPES.dockerManifest]) {
    for (const config of configs) {
      const parsed = parseManifest(encode({ schemaVersion: 2, mediaType, config, layers }));
      assert.ok(!isIndex(parsed));
      assert.deepEqual([parsed.config, parsed.layers], [undefined, layers]);
      assert.ok(isArtifact(parsed));
    }
  }
  const broken = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config: { digest: "sha256:1" }, layers };
  assert.throws(() => parseManifest(encode(broken)), { code: "INVALID_DIGEST", message: /config\.digest/ });
});

Deno.test("entries with an unknown digest algorithm are parsed and written back unchanged", () => {
  const digest = "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8";
  const entry = { mediaType: MEDIA_TYPES.ociManifest, digest, size: 7 };
  const text = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [entry] });
  const parsed = parseManifest(encode(text));
  assert.ok(parsed.kind === "oci-index");
  assert.deepEqual(getEntries(parsed), [entry]);
  assert.equal(new TextDecoder().decode(serializeOciIndex(parsed.index)), text);
  assert.throws(() => verifyManifestDigest(encode("{}"), digest as Digest, "it"), {
    code: "INVALID_DIGEST",
    message: new RegExp(digest.slice(0, 9)),
  });
  for (const bad of ["blake3", "Blake3:00", "blake3:a/b", "../x:00", "sha256:00", "blake3:"]) {
    assert.throws(() => parseManifest(encode(text.replace(digest, bad))), { code: "INVALID_DIGEST" }, bad);
  }
});

Deno.test("content with an unknown digest algorithm is not passed on, and its source is cancelled", async () => {
  for (const chunks of [[encode("content")], []]) {
    let cancelled = false;
    const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => chunks.length > 0 ? controller.enqueue(chunks[0]!) : controller.close(),
      cancel: () => void (cancelled = true),
    });
    const descriptor = { mediaType: "m", digest: "blake3:00" as Digest, size: 7 * chunks.length };
    await assert.rejects(readBlob(stream, descriptor, 100), { code: "INVALID_DIGEST", message: /blake3:00/ });
    assert.equal(cancelled, chunks.length > 0);
  }
});

Deno.test("schema 1 manifests are parsed, and digested by their payload if they are signed", () => {
  const payload = '{"schemaVersion":1,"fsLayers":[{"blobSum":"' + D2 + '"},{"blobSum":"' + D1 + '"}],"history":[]}';
  const protectedHeader = btoa(JSON.stringify({ formatLength: payload.length - 1, formatTail: "fQ" }));
  const signed = payload.slice(0, -1) + `,"signatures":[{"protected":"${protectedHeader}"}]}`;
  assert.equal(manifestDigest(encode(signed)), manifestDigest(encode(payload)));
  const parsed = parseManifest(encode(signed));
  assert.ok(!isIndex(parsed) && parsed.kind === "docker-schema1");
  assert.deepEqual(parsed.layers.map(({ digest, size }) => [digest, size]), [[D1, UNKNOWN_SIZE], [D2, UNKNOWN_SIZE]]);
});

/** Bytes that buildah 1.28.2 wrote. */
const BUILDAH_OCI =
  '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:ee93efd079239b7d793874215ff511fd65fcd58adf1705ec495bacb16599e679","size":495,"annotations":{"a":"\\u003cb\\u003e\\u0026c"},"platform":{"architecture":"arm64","os":"linux","os.version":"1.2","variant":"v8"}}]}';
const BUILDAH_DOCKER =
  '{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json","manifests":[{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","size":419,"digest":"sha256:a6f37a6ce0d22f6dfc51ecdf174e4a30658c0b93882a19cf49e2de5fb61d0597","platform":{"architecture":"amd64","os":"linux"}},{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":495,"digest":"sha256:ee93efd079239b7d793874215ff511fd65fcd58adf1705ec495bacb16599e679","platform":{"architecture":"arm64","os":"linux","os.features":["of1"],"variant":"v8","features":["sse","sse2"]}}]}';

Deno.test("indexes that buildah wrote are written back byte for byte", () => {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.equal(text(serializeOciIndex(parseOciIndex(encode(BUILDAH_OCI)))), BUILDAH_OCI);
  assert.equal(text(serializeDockerList(parseDockerList(encode(BUILDAH_DOCKER)))), BUILDAH_DOCKER);
});

Deno.test("an OCI index keeps all of its members, in Go's order", () => {
  const text =
    `{"schemaVersion":2,"mediaType":"${MEDIA_TYPES.ociIndex}","artifactType":"a/b","manifests":[{"mediaType":"m","digest":"${D1}","size":1,"urls":["u"],"annotations":{"10":"x","9":"y"},"data":"e30=","platform":{"architecture":"","os":""},"artifactType":"t"}],"subject":{"mediaType":"m","digest":"${D2}","size":2},"annotations":{"k":"v"}}`;
  assert.equal(new TextDecoder().decode(serializeOciIndex(parseOciIndex(encode(text)))), text);
});

Deno.test("conversion keeps the members that both formats have", () => {
  const docker = convertToDockerList(parseOciIndex(encode(BUILDAH_OCI)), { os: "linux", architecture: "amd64" });
  assert.deepEqual(docker.manifests![0]!.platform, {
    architecture: "arm64",
    os: "linux",
    osVersion: "1.2",
    variant: "v8",
  });
  const none = parseOciIndex(encode({ manifests: [{ mediaType: "m", digest: D1, size: 1 }] }));
  assert.equal(convertToDockerList(none, { os: "plan9", architecture: "mips" }).manifests![0]!.platform.os, "plan9");
  const oci = convertToOciIndex(parseDockerList(encode(BUILDAH_DOCKER)));
  assert.deepEqual(convertToOciIndex(convertToDockerList(oci, { os: "", architecture: "" })), oci);
});
