/** Lists that are copied as they are get the same digest as with the newest real tool. */
import assert from "node:assert/strict";
import { zstdCompressSync } from "node:zlib";
import { copyImage } from "../../mod.ts";
import { acceptAnything } from "../../src/signature/mod.ts";
import { type Descriptor, digestOf, MEDIA_TYPES, ZSTD_ANNOTATION } from "../../src/spec/room.ts";
import { clientOf, describe, encode, makeImage, makeTar, pushImage, type TestImage } from "../support/images.ts";
import { IMAGECOPY } from "../support/oracles.ts";
import { ok, peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";

const OPTIONS = {
  systemContext: { dockerInsecureSkipTlsVerify: true, blobInfoCacheDir: "" },
  signaturePolicy: acceptAnything,
};

/** An image whose layers are of these types, the content compressed as the type says. */
function makeTyped(architecture: string, types: readonly string[], more: Record<string, unknown> = {}): TestImage {
  const image = makeImage({
    architecture,
    layers: types.map((type, i) => makeTar(type.slice(-20), `${architecture} ${i}`)),
  });
  const blobs = image.blobs.map(({ descriptor, bytes }, i) => {
    const mediaType = types[i];
    if (mediaType === undefined) return { descriptor, bytes };
    const content = mediaType.endsWith("zstd")
      ? new Uint8Array(zstdCompressSync(makeTar(mediaType.slice(-20), `${architecture} ${i}`)))
      : bytes;
    return { descriptor: describe(mediaType, content), bytes: content };
  });
  const layers = blobs.slice(0, types.length).map(({ descriptor }) => descriptor);
  const config = { ...blobs.at(-1)!.descriptor, ...(more.config as Partial<Descriptor> ?? {}) };
  const manifest = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, ...more, config, layers });
  return { manifest, digest: digestOf(manifest), blobs };
}

const { ociLayerGzip: GZIP, ociLayerZstd: ZSTD, ociNondistributableLayerZstd: FOREIGN } = MEDIA_TYPES;

const INSTANCES: Record<string, TestImage> = {
  zstd: makeTyped("amd64", [ZSTD]),
  gzip: makeTyped("amd64", [GZIP]),
  arm64: makeTyped("arm64", [GZIP]),
  mixed: makeTyped("s390x", [GZIP, ZSTD]),
  foreign: makeTyped("riscv64", [FOREIGN]),
  artifact: makeTyped("ppc64le", [ZSTD], { config: { mediaType: "application/vnd.example.config" } }),
  empty: makeTyped("386", []),
};

function entry(name: string, annotations?: Record<string, string>): Descriptor {
  const { manifest } = INSTANCES[name]!;
  return {
    ...describe(MEDIA_TYPES.ociManifest, manifest),
    ...(annotations ? { annotations } : {}),
    platform: { os: "linux", architecture: name },
  };
}

const MARK = { [ZSTD_ANNOTATION]: "true" };

const INDEXES: Record<string, readonly Descriptor[] | null> = {
  "zstd that is not marked, first": [entry("zstd"), entry("gzip")],
  "zstd that is not marked, last": [entry("gzip"), entry("zstd")],
  "zstd that is marked": [entry("zstd", MARK), entry("gzip")],
  "gzip that is marked": [entry("gzip", MARK), entry("arm64")],
  "annotations of other kinds": [entry("zstd", { a: "b" }), entry("mixed", { [ZSTD_ANNOTATION]: "false" })],
  "some zstd": [entry("mixed"), entry("gzip"), entry("zstd")],
  "layers that are not distributed": [entry("foreign"), entry("gzip")],
  "an artifact": [entry("artifact"), entry("gzip")],
  "no layers": [entry("empty"), entry("gzip")],
  "no zstd": [entry("gzip"), entry("arm64")],
  "no instances": [],
  "null": null,
};

peerTest("a list gets the same digest as with c/image", [IMAGECOPY], async () => {
  await using from = startEmbedded();
  // Another registry: Go also marks artifacts whose layers it did not have to move.
  await using to = startEmbedded();
  const repository = clientOf(from.host).repository("from");
  for (const image of Object.values(INSTANCES)) await pushImage(repository, image, image.digest);
  for (const [i, [what, manifests]] of Object.entries(INDEXES).entries()) {
    const bytes = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
    await repository.putManifest(`${i}`, bytes, { mediaType: MEDIA_TYPES.ociIndex });
    const source = `docker://${from.host}/from:${i}`;
    await ok([IMAGECOPY, "copy", "--all", source, `docker://${to.host}/theirs:${i}`]);
    const theirs = await clientOf(to.host).repository("theirs").getManifest(`${i}`);
    const { digest } = await copyImage(source, `docker://${to.host}/ours${i}:1`, OPTIONS);
    const ours = await clientOf(to.host).repository(`ours${i}`).getManifest("1");
    assert.equal(new TextDecoder().decode(ours.bytes), new TextDecoder().decode(theirs.bytes), what);
    assert.equal(digest, digestOf(ours.bytes));
  }
});
