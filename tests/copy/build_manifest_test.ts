/** Manifests as they are built for the destination, from the layers that arrived there. */
import assert from "node:assert/strict";
import { buildManifest, type BuildOptions } from "../../src/copy/build_manifest.ts";
import type { MovedBlob } from "../../src/copy/move_blob.ts";
import type { PlannedImage } from "../../src/copy/plan_types.ts";
import {
  convertToSchema1,
  type Descriptor,
  digestOf,
  EMPTY_GZIP_LAYER,
  MEDIA_TYPES,
  type ParsedImage,
  parseReference,
  schema1EmptyLayers,
} from "../../src/spec/room.ts";
import { decode, encode, layer, makeManifest } from "../support/manifests.ts";

const T = MEDIA_TYPES;
const DIFF_IDS = [digestOf(encode("diff 1")), digestOf(encode("diff 2"))];
const CREATED = "1970-01-01T00:00:00Z";
const CONFIG = encode({
  architecture: "amd64",
  os: "linux",
  config: {},
  rootfs: { type: "layers", diff_ids: DIFF_IDS },
  history: [{ created: CREATED }, { created: CREATED, empty_layer: true }, { created: CREATED }],
});
const DOCKER = makeManifest("docker", {
  layers: [layer(T.dockerLayerGzip, "one"), layer(T.dockerLayerGzip, "two")],
});

function plan(manifest: ParsedImage, fixed?: string): PlannedImage {
  const policy = {} as PlannedImage["layers"][number]["policy"];
  const layers = manifest.layers.map((descriptor) =>
    ({ descriptor, role: "layer", place: {}, origin: undefined, policy }) as const
  );
  const digest = digestOf(manifest.bytes);
  const common = { digest, types: [], fixed, signatures: [], referrers: [], isReferrer: false };
  return { kind: "image", ...common, manifest, place: {}, variant: undefined, layers, config: undefined };
}

function moved({ digest, size }: Descriptor, change: Partial<MovedBlob> = {}): MovedBlob {
  return { digest, size, form: "gzip", annotations: {}, diffId: undefined, outcome: "written", ...change };
}

function options(layers: readonly MovedBlob[], name?: string): BuildOptions {
  return {
    layers,
    name: name === undefined ? undefined : parseReference(name),
    readConfig: () => Promise.resolve(CONFIG),
    readDiffIds: () => Promise.resolve(DIFF_IDS),
  };
}

async function createSchema1(): Promise<ParsedImage> {
  return await convertToSchema1(DOCKER, CONFIG, { name: "old/name", tag: "1" });
}

/** Options for a schema 1 manifest, whose layers have no sizes and can be empty. */
function createSchema1Options(manifest: ParsedImage): BuildOptions {
  const empty = schema1EmptyLayers(manifest);
  let next = 0;
  const diffIds = empty.map((isEmpty) => isEmpty ? undefined : DIFF_IDS[next++]);
  return {
    ...options(manifest.layers.map((layer) => moved(layer, { size: 3 }))),
    readDiffIds: () => Promise.resolve(diffIds),
  };
}

Deno.test("an image whose layers arrived unchanged keeps its bytes", async () => {
  const built = await buildManifest(plan(DOCKER), T.dockerManifest, options(DOCKER.layers.map((each) => moved(each))));
  assert.equal(built.image, DOCKER);
  assert.equal(built.config, undefined);
});

Deno.test("recompressed layers get the media type of the written format, and lose annotations of their old bytes", async () => {
  const described = { ...layer(T.ociLayerGzip, "a"), urls: ["https://x.example/a"], annotations: { kept: "1" } };
  const oci = makeManifest("oci", { layers: [described, layer(T.ociLayer, "plain")] });
  const [first, second] = oci.layers;
  const zstd = moved({ ...first!, digest: digestOf(encode("zstd")) }, { form: "zstd", annotations: { added: "2" } });
  const { image } = await buildManifest(plan(oci), T.ociManifest, options([zstd, moved(second!)]));
  assert.deepEqual(image.layers[0], {
    mediaType: T.ociLayerZstd,
    digest: zstd.digest,
    size: zstd.size,
    annotations: { kept: "1", added: "2" },
  });
  assert.deepEqual(image.layers[1], second);
  const gzip = moved({ ...first!, digest: digestOf(encode("gzip")) });
  const docker = await buildManifest(plan(oci), T.dockerManifest, options([gzip, moved(second!, { form: undefined })]));
  assert.deepEqual(docker.image.layers.map(({ mediaType }) => mediaType), [T.dockerLayerGzip, T.dockerLayer]);
});

Deno.test("a Docker image becomes an OCI image with a converted configuration", async () => {
  const built = await buildManifest(plan(DOCKER), T.ociManifest, options(DOCKER.layers.map((each) => moved(each))));
  assert.equal(built.image.mediaType, T.ociManifest);
  assert.deepEqual(built.image.layers.map(({ mediaType }) => mediaType), [T.ociLayerGzip, T.ociLayerGzip]);
  assert.equal(built.image.config!.digest, digestOf(built.config!));
});

Deno.test("schema 1 gets the name at the destination, unless it must not change", async () => {
  const written = await buildManifest(
    plan(DOCKER),
    T.dockerSchema1Signed,
    options(DOCKER.layers.map((each) => moved(each)), "quay.io/me/app:2"),
  );
  const { name, tag } = JSON.parse(decode(written.image.bytes));
  assert.deepEqual([name, tag, written.config], ["me/app", "2", undefined]);
  const nameless = await buildManifest(
    plan(DOCKER),
    T.dockerSchema1,
    options(DOCKER.layers.map((each) => moved(each))),
  );
  assert.equal(JSON.parse(decode(nameless.image.bytes)).name, "");
  const old = await createSchema1();
  const same = old.layers.map((each) => moved(each));
  const renamed = await buildManifest(plan(old), T.dockerSchema1Signed, options(same, "quay.io/me/app:3"));
  assert.equal(JSON.parse(decode(renamed.image.bytes)).name, "me/app");
  const fixed = await buildManifest(plan(old, "fixed"), T.dockerSchema1Signed, options(same, "quay.io/me/app:3"));
  assert.equal(fixed.image, old);
  const other = same.map((each, i) => i === 0 ? { ...each, digest: digestOf(encode("other")) } : each);
  const replaced = await buildManifest(plan(old), T.dockerSchema1Signed, options(other));
  assert.equal(replaced.image.layers[0]!.digest, other[0]!.digest);
});

Deno.test("schema 1 is converted to Docker and to OCI without its empty layers", async () => {
  const old = await createSchema1();
  assert.ok(old.layers.some(({ digest }) => digest === EMPTY_GZIP_LAYER.descriptor.digest));
  const docker = await buildManifest(plan(old), T.dockerManifest, createSchema1Options(old));
  assert.deepEqual(docker.image.layers.map(({ digest }) => digest), DOCKER.layers.map(({ digest }) => digest));
  const { rootfs } = JSON.parse(decode(docker.config!));
  assert.deepEqual(rootfs.diff_ids, DIFF_IDS);
  const oci = await buildManifest(plan(old), T.ociManifest, createSchema1Options(old));
  assert.equal(oci.image.mediaType, T.ociManifest);
  assert.deepEqual(oci.image.layers.map(({ digest, mediaType }) => [digest, mediaType]), [
    [DOCKER.layers[0]!.digest, T.ociLayerGzip],
    [DOCKER.layers[1]!.digest, T.ociLayerGzip],
  ]);
  assert.equal(oci.image.config!.digest, digestOf(oci.config!));
});
