/** Tests of the client that run with the embedded registry, in both storages, and with docker-registry. */
import assert from "node:assert/strict";
import { toArrayBuffer } from "@std/streams";
import { type Descriptor, type Digest, digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { getUnverifiedBlob, type RegistryClient, type Repository } from "../../src/registry/room.ts";
import { clientOf, describe, encode, makeImage, pushImage, type TestImage } from "../support/images.ts";
import type { TestRegistry } from "../support/registries.ts";

type Define = (name: string, fn: () => Promise<void>) => void;

const stream = (bytes: Uint8Array<ArrayBuffer>) =>
  new Blob([bytes]).stream() as ReadableStream<Uint8Array<ArrayBuffer>>;

const collect = async (body: ReadableStream<Uint8Array>) => new Uint8Array(await toArrayBuffer(body));

export function runRegistrySuite(
  name: string,
  define: Define,
  start: () => Promise<TestRegistry> | TestRegistry,
): void {
  const test = (title: string, fn: (client: RegistryClient) => Promise<void>) =>
    define(`${name}: ${title}`, async () => {
      await using registry = await start();
      await fn(registry.client?.() ?? clientOf(registry.host));
      assert.deepEqual(registry.errors, []);
    });

  test("an image is pushed, found and read back", async (client) => {
    const repository = client.repository("me/app");
    const image = makeImage({ architecture: "amd64" });
    assert.equal(await pushImage(repository, image, "1"), image.digest);
    for (const name of ["1", image.digest]) {
      const manifest = await repository.getManifest(name);
      const { etag: _, ...found } = manifest;
      assert.deepEqual(found, { bytes: image.manifest, mediaType: MEDIA_TYPES.ociManifest, digest: image.digest });
      assert.deepEqual(await repository.headManifest(name), describe(MEDIA_TYPES.ociManifest, image.manifest));
    }
    for (const { descriptor, bytes } of image.blobs) {
      assert.equal(await repository.headBlob(descriptor.digest), bytes.length);
      assert.deepEqual(await collect(await repository.getBlob(descriptor)), new Uint8Array(bytes));
    }
  });

  test("missing content is undefined, false or NOT_FOUND", async (client) => {
    const repository = client.repository("none");
    const digest = digestOf(encode("x"));
    assert.equal(await repository.headManifest("1"), undefined);
    assert.equal(await repository.headBlob(digest), undefined);
    assert.deepEqual(await Array.fromAsync(repository.listTags()), []);
    await assert.rejects(repository.getManifest("1"), { code: "NOT_FOUND", status: 404 });
    await assert.rejects(getUnverifiedBlob(repository, digest), { code: "NOT_FOUND" });
    assert.equal(await repository.deleteManifest(digest), false);
  });

  test("large and empty blobs are streamed", async (client) => {
    const repository = client.repository("big");
    const sizes = [0, 1, 1024 * 1024, 1024 * 1024 + 1, 5_000_000];
    for (const size of sizes) {
      const bytes = new Uint8Array(size).map((_, i) => i * 7);
      const descriptor = describe("m", bytes);
      await repository.putBlob(descriptor, stream(bytes));
      assert.deepEqual(await collect(await repository.getBlob(descriptor)), bytes);
    }
  });

  test("a wrong blob is rejected before it is published", async (client) => {
    const repository = client.repository("wrong");
    const bytes = new Uint8Array(3_000_000).fill(1);
    for (const size of [10, 3_000_000]) {
      const right = describe("m", bytes.subarray(0, size));
      const wrong = bytes.slice(0, size).fill(2, 5, 6);
      await assert.rejects(repository.putBlob(right, stream(wrong)), { code: "DIGEST_MISMATCH" });
      await assert.rejects(repository.putBlob(right, stream(wrong.subarray(1))), { code: "SIZE_MISMATCH" });
      await assert.rejects(repository.putBlob({ ...right, size: size - 1 }, stream(bytes)), { code: "SIZE_MISMATCH" });
      assert.equal(await repository.headBlob(right.digest), undefined);
    }
  });

  test("a blob is mounted from another repository, or an upload is opened instead", async (client) => {
    const bytes = encode("content");
    const descriptor = describe("m", bytes);
    await client.repository("from").putBlob(descriptor, stream(bytes));
    const target = client.repository("to");
    assert.deepEqual(await target.mountBlob(descriptor.digest, "from"), { mounted: true });
    assert.equal(await target.headBlob(descriptor.digest), bytes.length);
    const other = encode("other");
    const result = await target.mountBlob(digestOf(other), "from");
    assert.ok(!result.mounted && result.upload);
    await target.putBlob(describe("m", other), stream(other), { upload: result.upload });
    assert.equal(await target.headBlob(digestOf(other)), other.length);
  });

  test("an invalid manifest, or one that names missing content, is rejected", async (client) => {
    const repository = client.repository("bad");
    const image = makeImage({ architecture: "amd64" });
    await assert.rejects(repository.putManifest("1", image.manifest), { code: "MANIFEST_REJECTED" });
    const nonsense = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, layers: "x" });
    await assert.rejects(repository.putManifest("1", nonsense), { code: "MANIFEST_REJECTED" });
    await assert.rejects(repository.putManifest(digestOf(encode("x")), image.manifest), { code: "DIGEST_MISMATCH" });
  });

  test("tags are listed and deleted manifests are gone", async (client) => {
    const repository = client.repository("tags");
    const image = makeImage({ architecture: "amd64" });
    for (const tag of ["b", "a", "c"]) await pushImage(repository, image, tag);
    assert.deepEqual((await Array.fromAsync(repository.listTags())).sort(), ["a", "b", "c"]);
    assert.equal(await repository.deleteManifest(image.digest), true);
    assert.equal(await repository.headManifest("a"), undefined);
  });

  test("a tag is deleted without its manifest", async (client) => {
    const repository = client.repository("untag");
    const image = makeImage({ architecture: "amd64" });
    for (const tag of ["a", "b"]) await pushImage(repository, image, tag);
    assert.equal(await repository.deleteTag("a", { replace: true }), true);
    assert.equal(await repository.headManifest("a"), undefined);
    assert.equal((await repository.headManifest("b"))?.digest, image.digest);
    assert.equal(await repository.deleteTag("a", { replace: true }), false);
  });

  test("a blob is deleted once", async (client) => {
    const repository = client.repository("unblob");
    const bytes = encode("content");
    const descriptor = describe("m", bytes);
    await repository.putBlob(descriptor, stream(bytes));
    assert.equal(await repository.deleteBlob(descriptor.digest), true);
    assert.equal(await repository.headBlob(descriptor.digest), undefined);
    assert.equal(await repository.deleteBlob(descriptor.digest), false);
  });

  test("repositories and tags are listed in pages of any size", async (client) => {
    const image = makeImage({ architecture: "amd64" });
    for (const path of ["one", "two", "three"]) await pushImage(client.repository(path), image, "1");
    for (const tag of ["2", "3", "4", "5"]) await client.repository("one").putManifest(tag, image.manifest);
    for (const pageSize of [1, 2, 5, 1000]) {
      const repositories = await Array.fromAsync(client.listRepositories({ pageSize }));
      assert.deepEqual(repositories, ["one", "three", "two"]);
      const tags = await Array.fromAsync(client.repository("one").listTags({ pageSize }));
      assert.deepEqual(tags.sort(), ["1", "2", "3", "4", "5"]);
    }
    assert.deepEqual(await Array.fromAsync(client.listRepositories({ last: "one" })), ["three", "two"]);
  });

  test("referrers are listed by type, and no longer listed when they are deleted", async (client) => {
    const repository = client.repository("referrers");
    const image = makeImage({ architecture: "amd64" });
    await pushImage(repository, image, "1");
    assert.deepEqual(await Array.fromAsync(repository.listReferrers(image.digest)), []);
    const sbom = await pushArtifact(repository, image, "example/sbom", { a: "1" });
    const signature = await pushArtifact(repository, image, "example/signature");
    const byDigest = (descriptors: Descriptor[]) => descriptors.sort((a, b) => a.digest < b.digest ? -1 : 1);
    const list = async (artifactType?: string) =>
      byDigest(await Array.fromAsync(repository.listReferrers(image.digest, { artifactType })));
    assert.deepEqual(await list(), byDigest([sbom, signature]));
    assert.deepEqual(await list("example/sbom"), [sbom]);
    assert.deepEqual(await list("example/other"), []);
    assert.equal(await repository.deleteManifest(sbom.digest), true);
    assert.deepEqual(await list(), [signature]);
    assert.equal(await repository.deleteManifest(signature.digest), true);
    assert.deepEqual(await list(), []);
  });

  test("an index with a subject is a referrer too", async (client) => {
    const repository = client.repository("referrers");
    const image = makeImage({ architecture: "amd64" });
    await pushImage(repository, image, "1");
    const subject = describe(MEDIA_TYPES.ociManifest, image.manifest);
    const index = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [subject], subject });
    await repository.putManifest("index", index);
    const found = await Array.fromAsync(repository.listReferrers(image.digest));
    assert.deepEqual(found, [describe(MEDIA_TYPES.ociIndex, index)]);
  });

  test("no referrer is lost if many are pushed at the same time", async (client) => {
    const repository = client.repository("referrers");
    const image = makeImage({ architecture: "amd64" });
    await pushImage(repository, image, "1");
    const first = await pushArtifact(repository, image, "example/x");
    const pushed = await Promise.all(
      Array.from({ length: 12 }, (_, i) => pushArtifact(repository, image, "example/x", { number: `${i}` })),
    );
    const found = await Array.fromAsync(repository.listReferrers(image.digest));
    assert.deepEqual(
      new Set(found.map(({ digest }) => digest)),
      new Set([first, ...pushed].map(({ digest }) => digest)),
    );
  });

  test("a tag is written only if it names the expected manifest", async (client) => {
    const repository = client.repository("conditions");
    const [one, two] = [makeImage({ architecture: "amd64" }), makeImage({ architecture: "arm64" })];
    for (const image of [one, two]) await pushImage(repository, image, image.digest);
    const put = (image: TestImage, ifMatch: Digest | null) => repository.putManifest("1", image.manifest, { ifMatch });
    await assert.rejects(put(one, two.digest), { code: "CONFLICT" });
    assert.equal(await repository.headManifest("1"), undefined);
    await put(one, null);
    await assert.rejects(put(two, null), { code: "CONFLICT" });
    await assert.rejects(put(two, two.digest), { code: "CONFLICT" });
    assert.equal((await repository.headManifest("1"))?.digest, one.digest);
    await put(two, one.digest);
    assert.equal((await repository.headManifest("1"))?.digest, two.digest);
  });
}

/** Pushes a referrer of an image, and returns the descriptor that lists of referrers have for it. */
async function pushArtifact(
  repository: Repository,
  { manifest }: TestImage,
  artifactType: string,
  annotations?: Record<string, string>,
): Promise<Descriptor> {
  const empty = encode("{}");
  const descriptor = describe(MEDIA_TYPES.ociEmpty, empty);
  // docker-registry reads a wrong blob while another upload of the same blob replaces it.
  if (await repository.headBlob(descriptor.digest) === undefined) await repository.putBlob(descriptor, stream(empty));
  const subject = describe(MEDIA_TYPES.ociManifest, manifest);
  const layers = [descriptor];
  const bytes = encode({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    artifactType,
    config: descriptor,
    layers,
    subject,
    annotations,
  });
  await repository.putManifest(digestOf(bytes), bytes);
  return { ...describe(MEDIA_TYPES.ociManifest, bytes), artifactType, ...(annotations ? { annotations } : {}) };
}
