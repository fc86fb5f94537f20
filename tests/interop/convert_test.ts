/** Manifests that are converted here and by skopeo are the same, byte for byte. */
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { RegistryClient } from "../../src/registry/room.ts";
import {
  convertFromSchema1,
  convertToDockerManifest,
  convertToOciManifest,
  convertToSchema1,
  type Descriptor,
  type Digest,
  digestHex,
  digestOf,
  EMPTY_GZIP_LAYER,
  isIndex,
  manifestDigest,
  MEDIA_TYPES,
  type ParsedImage,
  parseManifest,
  renameSchema1,
  replaceLayers,
  schema1EmptyLayers,
} from "../../src/spec/room.ts";
import { buildImages } from "../support/built_images.ts";
import { ok, peerTest } from "../support/peers.ts";
import { startDockerRegistry } from "../support/registries.ts";
import { makeStore } from "../support/stores.ts";

const TOOLS = ["skopeo", "buildah"];

/** A build with what the formats treat differently: steps without files, health, words with `<`, keys like numbers. */
const LINES = [
  "MAINTAINER Me <me@example.com>",
  'LABEL a="<b>&c" "10"=x "9"=y empty=""',
  'ENV A="b<&>" PATH=/bin',
  "COPY one /one",
  "USER nobody",
  "EXPOSE 80/tcp 53/udp",
  "VOLUME /data",
  "COPY two /two",
  "HEALTHCHECK --interval=30s --retries=3 CMD /one",
  "STOPSIGNAL SIGTERM",
  'ENTRYPOINT ["/one"]',
];

/** Images in folders, as `dir:` has them. */
class Folders implements AsyncDisposable {
  constructor(readonly root: string) {}

  path(name: string): string {
    return `${this.root}/${name}`;
  }

  /** A copy that skopeo makes in a format. */
  async convert(from: string, format: string): Promise<ParsedImage> {
    const to = `${from}-${format}`;
    await ok(["skopeo", "copy", "-q", "--format", format, `dir:${this.path(from)}`, `dir:${this.path(to)}`]);
    return await this.image(to);
  }

  async image(name: string): Promise<ParsedImage> {
    const image = parseManifest(await Deno.readFile(`${this.path(name)}/manifest.json`));
    assert.ok(!isIndex(image));
    return image;
  }

  async blob(name: string, { digest }: Descriptor): Promise<Uint8Array<ArrayBuffer>> {
    return await Deno.readFile(`${this.path(name)}/${digestHex(digest)}`);
  }

  /** Descriptors with sizes, and digests without compression. */
  async measure(name: string, { layers }: ParsedImage): Promise<{ layers: Descriptor[]; diffIds: Digest[] }> {
    const bytes = await Promise.all(layers.map((layer) => this.blob(name, layer)));
    return {
      layers: layers.map((layer, i) => ({ ...layer, size: bytes[i]!.length })),
      diffIds: bytes.map((blob) => digestOf(blob[0] === 0x1f ? gunzipSync(blob) : blob)),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

/** The images `docker` and `oci`, as buildah builds and pushes them. */
async function makeFolders(): Promise<Folders> {
  await using at = await makeStore();
  const folders = new Folders(await Deno.makeTempDir({ prefix: "convert-" }));
  for (const format of ["docker", "oci"] as const) {
    const [name] = await buildImages(at, format, { format, lines: LINES });
    await ok(["buildah", ...at.flags, "push", "-q", name!, `dir:${folders.path(format)}`]);
  }
  return folders;
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
/** Of schema 1 what is signed: the signature is another one each time. */
const unsigned = ({ bytes }: ParsedImage) => decode(bytes).replace(/,"signatures":.*$/, "}");

peerTest("conversions between OCI and Docker schema 2 give skopeo's bytes", TOOLS, async () => {
  await using folders = await makeFolders();
  const oci = await folders.image("oci");
  assert.equal(decode(convertToDockerManifest(oci).bytes), decode((await folders.convert("oci", "v2s2")).bytes));
  const docker = await folders.image("docker");
  const theirs = await folders.convert("docker", "oci");
  const ours = convertToOciManifest(docker, await folders.blob("docker", docker.config!));
  assert.equal(decode(ours.config), decode(await folders.blob("docker-oci", theirs.config!)));
  assert.equal(decode(ours.image.bytes), decode(theirs.bytes));
});

peerTest("conversions to schema 1 and back to schema 2 give skopeo's bytes", TOOLS, async () => {
  await using folders = await makeFolders();
  for (const format of ["docker", "oci"]) {
    const image = await folders.image(format);
    const config = await folders.blob(format, image.config!);
    const schema1 = await folders.convert(format, "v2s1");
    const ours = await convertToSchema1(image, config, { name: "", tag: "" });
    assert.equal(unsigned(ours), unsigned(schema1));

    const measured = await folders.measure(`${format}-v2s1`, schema1);
    const back = convertFromSchema1(schema1, measured.diffIds, measured);
    const theirs = await folders.convert(`${format}-v2s1`, "v2s2");
    assert.equal(decode(back.config), decode(await folders.blob(`${format}-v2s1-v2s2`, theirs.config!)));
    assert.equal(decode(back.image.bytes), decode(theirs.bytes));
    const rootfs = (bytes: Uint8Array) => JSON.parse(decode(bytes)).rootfs;
    assert.deepEqual(rootfs(back.config), rootfs(config), "the layers are those of before");

    const oci = convertToOciManifest(back.image, back.config);
    const theirOci = await folders.convert(`${format}-v2s1`, "oci");
    assert.equal(decode(oci.config), decode(await folders.blob(`${format}-v2s1-oci`, theirOci.config!)));
    assert.equal(decode(oci.image.bytes), decode(theirOci.bytes));
  }
});

peerTest("layers that are recompressed change nothing else, as with skopeo", TOOLS, async () => {
  await using folders = await makeFolders();
  for (const format of ["docker", "oci"]) {
    const image = await folders.image(format);
    const [from, to] = [`dir:${folders.path(format)}`, `dir:${folders.path(`${format}-plain`)}`];
    await ok(["skopeo", "copy", "-q", "--dest-decompress", from, to]);
    const theirs = await folders.image(`${format}-plain`);
    assert.notDeepEqual(theirs.layers, image.layers);
    assert.equal(decode(replaceLayers(image, theirs.layers).bytes), decode(theirs.bytes));
  }
});

peerTest("docker-registry and skopeo accept schema 1 manifests made here", [...TOOLS, "docker-registry"], async () => {
  await using folders = await makeFolders();
  await using registry = await startDockerRegistry({ schema1: true });
  const image = await folders.image("docker");
  const config = await folders.blob("docker", image.config!);
  const repository = new RegistryClient(registry.host, { insecure: true }).repository("some/where");
  for (const layer of image.layers) {
    const bytes = await folders.blob("docker", layer);
    await repository.putBlob(layer, new Blob([bytes]).stream() as ReadableStream<Uint8Array<ArrayBuffer>>);
  }
  const empty = new Blob([EMPTY_GZIP_LAYER.bytes]).stream() as ReadableStream<Uint8Array<ArrayBuffer>>;
  await repository.putBlob(EMPTY_GZIP_LAYER.descriptor, empty);
  const schema1 = await convertToSchema1(image, config, { name: "other", tag: "1" });
  for (const tag of ["a", "b"]) {
    const named = await renameSchema1(schema1, { name: "some/where", tag });
    assert.equal(named.mediaType, MEDIA_TYPES.dockerSchema1Signed);
    // The registry verifies the signature, and names the manifest by what was signed.
    assert.equal(await repository.putManifest(tag, named.bytes), manifestDigest(named.bytes));
    const source = `docker://${registry.host}/some/where:${tag}`;
    const flags = ["--src-tls-verify=false", "--format", "v2s2"];
    await ok(["skopeo", "copy", "-q", ...flags, source, `dir:${folders.path(`pulled-${tag}`)}`]);
    const pulled = await folders.image(`pulled-${tag}`);
    const layersOf = ({ layers }: ParsedImage) => layers.map(({ digest, size }) => [digest, size]);
    assert.deepEqual(layersOf(pulled), layersOf(image));
    const { diffIds, layers } = await folders.measure(`pulled-${tag}`, pulled);
    assert.deepEqual(JSON.parse(decode(config)).rootfs.diff_ids, diffIds);
    assert.equal(schema1EmptyLayers(named).filter((isEmpty) => !isEmpty).length, layers.length);
  }
});
