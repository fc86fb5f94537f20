/** Tests order, trust and limits of a copy that no other test would notice. */
import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { copyImage, create, parseImageName } from "../../mod.ts";
import { type CopyEvent, createBlobInfoCache, hasZstd, limitCredentials } from "../../src/copy/room.ts";
import { acceptAnything, attachmentTag, type Signer, type SigstoreSignature } from "../../src/signature/room.ts";
import {
  type Descriptor,
  type Digest,
  digestHex,
  digestOf,
  ManifestsError,
  MEDIA_TYPES,
  type ParsedImage,
  parseManifest,
  parseReference,
  ZSTD_ANNOTATION,
} from "../../src/spec/room.ts";
import {
  createWorld,
  GZIP,
  platform,
  put,
  putImage,
  putList,
  readImage,
  readIndex,
  TAR,
} from "../support/copy_world.ts";
import { folderTest } from "../support/folders.ts";
import { describe, encode, makeImage, makeTar } from "../support/images.ts";
import { makeList, writeImage } from "../support/put_image.ts";

/** Creates an empty signature: the content of signatures is tested elsewhere. */
const SIGNER: Signer<SigstoreSignature> = {
  kind: "sigstore",
  description: "a test",
  sign: (manifest) =>
    Promise.resolve({
      kind: "sigstore",
      mediaType: "application/vnd.dev.cosign.simplesigning.v1+json",
      payload: encode(digestOf(manifest)),
      annotations: { "dev.cosignproject.cosign/signature": "c2ln" },
    }),
};
const NAME = parseReference("to.example/app:1");
const SIGNED = { signers: [SIGNER], systemContext: { dockerUseSigstoreAttachments: true } };

/** Returns the tags and digests of the written manifests, in order. */
function manifestsWritten(requests: readonly string[]): string[] {
  const written = requests.filter((request) => request.startsWith("PUT to.example/v2/app/manifests/"));
  return written.map((request) => request.split("/").at(-1)!);
}

Deno.test("a signed image gets the layers of its source, not layers that an earlier copy recorded as equal", async () => {
  for (const signed of [false, true]) {
    const { from, to, copy } = createWorld();
    await putList(from, [{
      ...await putImage(from, [await put(from, TAR, MEDIA_TYPES.ociLayer)]),
      ...platform("amd64"),
    }]);
    // Another compressed layer that the cache claims to have the same content.
    const other = await put(to, new Uint8Array(gzipSync(TAR, { level: 1 })), MEDIA_TYPES.ociLayerGzip);
    const cache = createBlobInfoCache();
    cache.recordUncompressed(digestOf(TAR), digestOf(TAR));
    cache.recordUncompressed(other.digest, digestOf(TAR));
    cache.recordCompression(other.digest, { name: "gzip", annotations: {} });
    cache.recordLocation({ scope: "docker://to.example", location: "app" }, other.digest);
    await copy({
      cache,
      ...signed ? SIGNED : {},
      systemContext: { ...SIGNED.systemContext, compressionFormat: "gzip" },
    });
    const [entry] = await readIndex(to);
    const { layers: [layer] } = await readImage(to, entry!.digest);
    assert.equal(layer!.digest === other.digest, !signed, `signed: ${signed}`);
  }
});

Deno.test("signatures are stored after their manifest", async () => {
  const { from, copy, requests } = createWorld();
  const image = await putImage(from, [await put(from, GZIP, MEDIA_TYPES.ociLayerGzip)]);
  await putList(from, [{ ...image, ...platform("amd64") }]);
  const { digest } = await copy(SIGNED);
  const written = manifestsWritten(requests);
  assert.deepEqual(written, [image.digest, attachmentTag(image.digest), "1", attachmentTag(digest)]);
});

Deno.test("an additional variant of a signed image does not get the signatures of the image", async () => {
  const { from, to, copy } = createWorld();
  const image = await putImage(from, [await put(from, GZIP, MEDIA_TYPES.ociLayerGzip)]);
  await putList(from, [{ ...image, ...platform("amd64") }]);
  const { payload, annotations, mediaType } = await SIGNER.sign((await from.getManifest(image.digest)).bytes, NAME);
  const attachment = encode({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: await put(from, encode("{}"), MEDIA_TYPES.ociConfig),
    layers: [{ ...await put(from, payload, mediaType), annotations }],
  });
  await from.putManifest(attachmentTag(image.digest), attachment, { mediaType: MEDIA_TYPES.ociManifest });
  await copy({ addCompression: ["zstd"], systemContext: SIGNED.systemContext });
  const [original, variant] = await readIndex(to);
  assert.equal(original!.digest, image.digest);
  assert.ok(await to.headManifest(attachmentTag(original!.digest)));
  assert.equal(await to.headManifest(attachmentTag(variant!.digest)), undefined);
});

Deno.test("an index that is a referrer is written before its subject", async () => {
  const { from, copy, requests } = createWorld();
  const image = await putImage(from, [await put(from, GZIP, MEDIA_TYPES.ociLayerGzip)]);
  const entries = [{ ...image, ...platform("amd64") }];
  await putList(from, entries);
  const list = describe(MEDIA_TYPES.ociIndex, (await from.getManifest("1")).bytes);
  const referrers: Digest[] = [];
  for (const subject of [list, image]) {
    const index = encode({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociIndex,
      artifactType: "a/b",
      manifests: [],
      subject,
    });
    referrers.push(await from.putManifest(digestOf(index), index, { mediaType: MEDIA_TYPES.ociIndex }));
  }
  await copy({ referrers: true });
  const written = manifestsWritten(requests);
  for (const referrer of referrers) {
    assert.ok(written.includes(referrer));
    assert.ok(written.indexOf(referrer) < written.indexOf("1"), written.join(" "));
  }
});

Deno.test("an image with a tag is written after its referrers", async () => {
  const { from, copy, requests } = createWorld();
  const image = await putImage(from, [await put(from, GZIP, MEDIA_TYPES.ociLayerGzip)]);
  await from.putManifest("1", (await from.getManifest(image.digest)).bytes, { mediaType: image.mediaType });
  const config = await put(from, encode("{}"), MEDIA_TYPES.ociEmpty);
  const referrer = encode({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    artifactType: "a/b",
    config,
    layers: [],
    subject: image,
  });
  await from.putManifest(digestOf(referrer), referrer, { mediaType: MEDIA_TYPES.ociManifest });
  await copy({ referrers: true });
  assert.deepEqual(manifestsWritten(requests), [digestOf(referrer), "1"]);
});

Deno.test("the zstd annotation is removed from an instance that was recompressed with gzip", async () => {
  const { from, to, copy } = createWorld();
  const zstd = await put(from, new Uint8Array(zstdCompressSync(TAR)), MEDIA_TYPES.ociLayerZstd);
  const annotations = { [ZSTD_ANNOTATION]: "true", a: "b" };
  await putList(from, [{ ...await putImage(from, [zstd]), ...platform("amd64"), annotations }]);
  await copy({ forceCompressionFormat: true, systemContext: { compressionFormat: "gzip" } });
  const [entry] = await readIndex(to);
  assert.deepEqual(entry!.annotations, { a: "b" });
});

Deno.test("a recompressed layer loses URLs, data and annotations about its old bytes", async () => {
  const { from, to, copy } = createWorld();
  const zstd = await put(from, new Uint8Array(zstdCompressSync(TAR)), MEDIA_TYPES.ociLayerZstd);
  const chunked = {
    "io.github.containers.zstd-chunked.manifest-checksum": digestOf(encode("toc")),
    "io.github.containers.zstd-chunked.manifest-position": "1:2:3:1",
  };
  const layer = { ...zstd, annotations: { ...chunked, keep: "me" }, urls: ["https://layers.example/1"] };
  await putList(from, [{ ...await putImage(from, [layer]), ...platform("amd64") }]);
  await copy({ forceCompressionFormat: true, systemContext: { compressionFormat: "gzip" } });
  const [entry] = await readIndex(to);
  const { layers: [moved] } = await readImage(to, entry!.digest);
  assert.deepEqual([moved!.mediaType, moved!.annotations, moved!.urls], [
    MEDIA_TYPES.ociLayerGzip,
    { keep: "me" },
    undefined,
  ]);
});

Deno.test("if no type can be written, the rejection of the best type is reported", async () => {
  const { from, copy } = createWorld(undefined, (request) => {
    if (request.method !== "PUT" || !request.url.includes("/manifests/")) return undefined;
    return Response.json({ errors: [{ code: "MANIFEST_INVALID", message: "not here" }] }, { status: 400 });
  });
  const statement = await put(from, encode("{}"), "application/vnd.in-toto+json");
  await putList(from, [{ ...await putImage(from, [statement]), ...platform("amd64") }]);
  await assert.rejects(copy(), { code: "MANIFEST_REJECTED" });
});

Deno.test("a sparse index that the registry rejects is not retried", async () => {
  const { from, copy, requests } = createWorld();
  const layer = await put(from, GZIP, MEDIA_TYPES.ociLayerGzip);
  const images = [await putImage(from, [layer]), await putImage(from, [layer], { docker: true })];
  await putList(from, images.map((image, i) => ({ ...image, ...platform(`a${i}`) })));
  const sparse = { selection: "specific", instances: [images[0]!.digest], maxRetries: 2 } as const;
  await assert.rejects(copy(sparse), { code: "MANIFEST_REJECTED" });
  assert.deepEqual(manifestsWritten(requests).filter((name) => name === "1"), ["1"]);
});

Deno.test("the instances of an index stay unchanged if the index must not change", async () => {
  const { from, to, copy, uploads } = createWorld();
  const image = await putImage(from, [await put(from, TAR, MEDIA_TYPES.ociLayer)]);
  await putList(from, [{ ...image, ...platform("amd64") }]);
  const { digest } = await copy(SIGNED);
  // Without a signature, the layer is compressed and the list gets another digest.
  assert.notEqual((await readIndex(to))[0]!.digest, image.digest);
  const subject = describe(MEDIA_TYPES.ociIndex, (await from.getManifest("1")).bytes);
  const config = await put(from, encode("{}"), MEDIA_TYPES.ociEmpty);
  const referrer = encode({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    artifactType: "a/b",
    config,
    layers: [],
    subject,
  });
  await from.putManifest(digestOf(referrer), referrer, { mediaType: MEDIA_TYPES.ociManifest });
  const held = await copy({ referrers: true });
  assert.deepEqual([held.digest, digest === held.digest], [subject.digest, false]);
  assert.equal((await readIndex(to))[0]!.digest, image.digest);
  const before = uploads();
  await assert.rejects(copy({ referrers: true, manifestType: MEDIA_TYPES.dockerManifest }), { code: "CANNOT_MODIFY" });
  assert.equal(uploads(), before);
});

Deno.test("a destination with another digest is rejected before anything is written", async () => {
  const { from, copy, uploads } = createWorld();
  const image = await putImage(from, [await put(from, GZIP, MEDIA_TYPES.ociLayerGzip)]);
  await putList(from, [{ ...image, ...platform("amd64") }]);
  await assert.rejects(copy({ name: `@${image.digest}` }), { code: "DIGEST_MISMATCH" });
  assert.equal(uploads(), 0);
  const digest = digestOf((await from.getManifest("1")).bytes);
  assert.equal((await copy({ name: `@${digest}` })).digest, digest);
});

Deno.test("the policy is evaluated for a list of which no instance is copied", async () => {
  const refusal = new ManifestsError("POLICY_REJECTED", "no");
  const policy = { assertAllowed: () => Promise.reject(refusal) };
  const { from, copy, uploads } = createWorld();
  const image = await putImage(from, [await put(from, GZIP, MEDIA_TYPES.ociLayerGzip)]);
  for (const [entries, selection] of [[[], {}], [[image], { selection: "specific", instances: [] }]] as const) {
    await putList(from, entries);
    await assert.rejects(copy({ policy, ...selection }), { code: "POLICY_REJECTED" });
  }
  assert.equal(uploads(), 0);
});

Deno.test("credentials for the destination are not sent to the source", async () => {
  const given: string[] = [];
  const { from, copy } = createWorld((request, answer) => {
    const authorization = request.headers.get("authorization");
    if (authorization !== null) given.push(authorization);
    if (authorization !== null) return answer;
    return new Response(null, { status: 401, headers: { "www-authenticate": 'Basic realm="from"' } });
  });
  await putList(from, []);
  for (const access of [{ dockerAuthConfig: { username: "u", password: "p" } }, { dockerBearerRegistryToken: "t" }]) {
    await assert.rejects(copy({ systemContext: access }), { code: "UNAUTHORIZED" });
  }
  assert.deepEqual(given, []);
});

Deno.test("at most maxParallelTransfers blobs are moved concurrently", async () => {
  for (const maxParallelTransfers of [1, 3]) {
    let active = 0, most = 0;
    const { from, to, copy } = createWorld((request, answer) => {
      if (request.method !== "GET" || !request.url.includes("/blobs/")) return answer;
      most = Math.max(most, ++active);
      const counted = new TransformStream<Uint8Array, Uint8Array>({ flush: () => void active-- });
      return new Response(answer.body!.pipeThrough(counted), answer);
    });
    const images: Descriptor[] = [];
    for (let i = 0; i < 8; i++) {
      const layer = makeTar("file", `${i}`);
      const blob = await put(from, new Uint8Array(gzipSync(layer)), MEDIA_TYPES.ociLayerGzip);
      images.push({ ...await putImage(from, [blob], { diffIds: [digestOf(layer)] }), ...platform(`a${i}`) });
    }
    await putList(from, images);
    await copy({ maxParallelTransfers });
    assert.equal((await readIndex(to)).length, images.length);
    assert.ok(most <= maxParallelTransfers && (most > 1) === (maxParallelTransfers > 1), `${most}`);
  }
});

folderTest("a manifest that does not match the digest of its instance is not copied", async (folder) => {
  const options = { systemContext: { blobInfoCacheDir: "" }, signaturePolicy: acceptAnything };
  const list = makeList("amd64", "arm64");
  const other = makeImage({ architecture: "s390x" });
  const [instance] = list.images;
  await writeImage(parseImageName(`oci:${folder}/oci:1`), list);
  await writeImage(parseImageName(`oci:${folder}/oci:other`), other);
  await Deno.writeFile(`${folder}/oci/blobs/sha256/${digestHex(instance!.digest)}`, other.manifest);
  await writeImage(parseImageName(`dir:${folder}/dir`), list);
  await Deno.writeFile(`${folder}/dir/${digestHex(instance!.digest)}.manifest.json`, other.manifest);
  for (const { descriptor, bytes } of other.blobs) {
    await Deno.writeFile(`${folder}/dir/${digestHex(descriptor.digest)}`, bytes);
  }
  for (const source of [`oci:${folder}/oci:1`, `dir:${folder}/dir`]) {
    await assert.rejects(copyImage(source, `oci:${folder}/to:1`, options), { code: "DIGEST_MISMATCH" }, source);
    await assert.rejects(create().add(source, { systemContext: options.systemContext, all: true }), {
      code: "DIGEST_MISMATCH",
    }, source);
    await assert.rejects(Deno.stat(`${folder}/to`), Deno.errors.NotFound);
  }
});

folderTest("instances that are not selected are not read", async (folder) => {
  const options = { systemContext: { blobInfoCacheDir: "" } };
  const images = makeList("amd64", "arm64");
  await writeImage(parseImageName(`oci:${folder}/oci:1`), images);
  const list = create();
  await list.add(`oci:${folder}/oci:1`, { ...options, all: true });
  await list.addArtifact(["README.md"], { artifactType: "application/vnd.example" });
  const [amd64, arm64, artifact] = list.instances() as [Digest, Digest, Digest];
  const reference = list.reference(undefined, { selection: "specific", instances: [amd64] });
  await using source = await reference.openSource();
  const refused = { code: "INSTANCE_NOT_FOUND" };
  assert.deepEqual((await source.getManifest({ instance: amd64 })).bytes, images.images[0]!.manifest);
  for (const instance of [arm64, artifact]) {
    const blob = images.images[1]!.blobs[0]!.descriptor;
    await assert.rejects(source.getManifest({ instance }), refused);
    await assert.rejects(async () => await source.getBlob(blob, { instance }), refused);
    await assert.rejects(async () => await source.findBlob!(blob, { instance }), refused);
    await assert.rejects(source.getManifest({ instance: digestOf(encode("below")), ancestor: instance }), refused);
  }
});

Deno.test("credentials without a registry are for the registry of the reference, or for any if it has none", () => {
  const dockerAuthConfig = { username: "me", password: "secret" };
  const context = { dockerAuthConfig, credentials: { "other.example": { username: "you" } } };
  assert.deepEqual(limitCredentials(context, parseImageName("docker://quay.io/me/app:1")), {
    credentials: { "quay.io": dockerAuthConfig, "other.example": { username: "you" } },
  });
  for (const reference of [undefined, parseImageName("dir:/app")]) {
    assert.equal(limitCredentials(context, reference), context);
  }
});

Deno.test("an image with layers in zstd:chunked has zstd layers", () => {
  const chunked = { "io.github.containers.zstd-chunked.manifest-checksum": digestOf(TAR) };
  for (
    const [mediaType, annotations, expected] of [
      [MEDIA_TYPES.ociLayerGzip, {}, false],
      [MEDIA_TYPES.ociLayerZstd, {}, true],
      [MEDIA_TYPES.ociLayerZstd, chunked, true],
    ] as const
  ) {
    const layer = { ...describe(mediaType, GZIP), annotations };
    const config = describe(MEDIA_TYPES.ociConfig, encode({}));
    const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config, layers: [layer] };
    assert.equal(hasZstd(parseManifest(encode(manifest)) as ParsedImage), expected);
  }
});

Deno.test("the list and its images are signed, and their referrers are not", async () => {
  const { from, copy } = createWorld();
  const image = await putImage(from, [await put(from, GZIP, MEDIA_TYPES.ociLayerGzip)]);
  await putList(from, [{ ...image, ...platform("amd64") }]);
  const list = (await from.headManifest("1"))!;
  for (const subject of [image, list]) {
    const referrer = encode({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      artifactType: "application/vnd.example.note",
      config: await put(from, encode({}), MEDIA_TYPES.ociEmpty),
      layers: [],
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
    });
    await from.putManifest(digestOf(referrer), referrer);
  }
  const signed: Digest[] = [];
  const onProgress = (event: CopyEvent) => void (event.type === "signing" && signed.push(event.digest));
  const { referrers } = await copy({ ...SIGNED, referrers: true, onProgress });
  assert.equal(referrers?.size, 2);
  assert.deepEqual(signed, [image.digest, list.digest]);
});
