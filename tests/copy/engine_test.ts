/** Tests the copy engine with unusual images, by its requests and its output. */
import assert from "node:assert/strict";
import { gunzipSync, zstdCompressSync } from "node:zlib";
import { type CopyOptions, createBlobInfoCache } from "../../src/copy/room.ts";
import { encodeUtf8 } from "../../src/internal/room.ts";
import type { Repository } from "../../src/registry/room.ts";
import { type Descriptor, digestOf, MEDIA_TYPES, readBlob, ZSTD_ANNOTATION } from "../../src/spec/room.ts";
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
import { describe, encode, makeImage } from "../support/images.ts";

Deno.test("platforms that share an image get separate variants, which are compressed once", async () => {
  const { from, to, copy } = createWorld();
  const image = await putImage(from, [await put(from, GZIP, MEDIA_TYPES.ociLayerGzip)]);
  await putList(from, [{ ...image, ...platform("amd64") }, { ...image, ...platform("arm64") }]);
  await copy({ addCompression: ["zstd"] });
  const entries = await readIndex(to);
  assert.deepEqual(entries.map((entry) => [entry.platform?.architecture, entry.annotations?.[ZSTD_ANNOTATION]]), [
    ["amd64", undefined],
    ["arm64", undefined],
    ["amd64", "true"],
    ["arm64", "true"],
  ]);
  assert.equal(entries[2]!.digest, entries[3]!.digest);
});

Deno.test("a second push leaves each instance unchanged, whatever the cache knows about its layers", async () => {
  for (const first of [["zstd"], ["gzip"]]) {
    const { from, to, copy } = createWorld();
    const cache = createBlobInfoCache();
    const image = await putImage(from, [await put(from, GZIP, MEDIA_TYPES.ociLayerGzip)]);
    await putList(from, [{ ...image, ...platform("amd64") }]);
    await copy({ cache, addCompression: first });
    await copy({ cache, addCompression: ["zstd"] });
    const [original, variant, ...more] = await readIndex(to);
    assert.deepEqual([original!.digest, more.length], [image.digest, 0]);
    const { layers } = await readImage(to, variant!.digest);
    assert.equal(layers[0]!.mediaType, MEDIA_TYPES.ociLayerZstd);
  }
});

Deno.test("a zstd instance gets the missing annotation and moves behind the gzip variant that a push adds", async () => {
  const { from, to, copy } = createWorld();
  const zstd = await put(from, new Uint8Array(zstdCompressSync(TAR)), MEDIA_TYPES.ociLayerZstd);
  const image = await putImage(from, [zstd]);
  await putList(from, [{ ...image, ...platform("amd64") }]);
  await copy({ addCompression: ["gzip"] });
  const [variant, original, ...more] = await readIndex(to);
  assert.deepEqual([variant!.annotations, original!.annotations], [undefined, { [ZSTD_ANNOTATION]: "true" }]);
  assert.deepEqual([original!.digest, more.length], [image.digest, 0]);
  const { layers } = await readImage(to, variant!.digest);
  assert.equal(layers[0]!.mediaType, MEDIA_TYPES.ociLayerGzip);
});

Deno.test("a list that must not change gets no zstd annotations", async () => {
  const { from, to, copy } = createWorld();
  const zstd = await put(from, new Uint8Array(zstdCompressSync(TAR)), MEDIA_TYPES.ociLayerZstd);
  await putList(from, [{ ...await putImage(from, [zstd]), ...platform("amd64") }]);
  const digest = digestOf((await from.getManifest("1")).bytes);
  assert.equal((await copy({ preserveDigests: true })).digest, digest);
  assert.notEqual((await copy()).digest, digest);
  const [entry] = await readIndex(to);
  assert.deepEqual(entry!.annotations, { [ZSTD_ANNOTATION]: "true" });
});

Deno.test("images with a mixture of OCI and Docker media types are converted", async () => {
  const { from, to, copy } = createWorld();
  const [gzip, other] = [GZIP, makeImage({ architecture: "arm64" }).blobs[0]!.bytes];
  const layers = [await put(from, gzip, MEDIA_TYPES.ociLayerGzip), await put(from, other, MEDIA_TYPES.dockerLayerGzip)];
  const diffIds = [gzip, other].map((bytes) => digestOf(gunzipSync(bytes)));
  const images = [
    { ...await putImage(from, layers, { diffIds }), ...platform("amd64") },
    { ...await putImage(from, layers, { diffIds, docker: true }), ...platform("arm64") },
  ];
  await putList(from, images);
  const rows = [
    [MEDIA_TYPES.ociManifest, MEDIA_TYPES.ociConfig, MEDIA_TYPES.ociLayerGzip],
    [MEDIA_TYPES.dockerManifest, MEDIA_TYPES.dockerConfig, MEDIA_TYPES.dockerLayerGzip],
  ] as const;
  for (const [i, [manifestType, config, layer]] of rows.entries()) {
    await copy({ manifestType });
    for (const [at, { digest }] of (await readIndex(to)).entries()) {
      const image = await readImage(to, digest);
      // An image that already has the type stays unchanged.
      if (at === i) assert.equal(digest, images[i]!.digest);
      else {
        assert.deepEqual([image.config!.mediaType, ...image.layers.map((l) => l.mediaType)], [config, layer, layer]);
      }
      assert.equal(image.mediaType, manifestType);
    }
  }
});

Deno.test("a layer that an OCI and a Docker image share is moved once", async () => {
  const { from, to, copy, requests } = createWorld();
  const layer = await put(from, GZIP, MEDIA_TYPES.ociLayerGzip);
  const oci = await putImage(from, [layer]);
  const docker = await putImage(from, [{ ...layer, mediaType: MEDIA_TYPES.dockerLayerGzip }], { docker: true });
  await putList(from, [{ ...oci, ...platform("amd64") }, { ...docker, ...platform("arm64") }]);
  await copy();
  assert.deepEqual((await readIndex(to)).map(({ digest }) => digest), [oci.digest, docker.digest]);
  assert.equal(requests.filter((request) => request === `GET from.example/v2/app/blobs/${layer.digest}`).length, 1);
});

Deno.test("a manifest is retried with the same type if the registry does not find its content yet", async () => {
  const answers: [status: number, code: string][] = [
    [400, "MANIFEST_BLOB_UNKNOWN"],
    [404, "MANIFEST_BLOB_UNKNOWN"],
    [404, "BLOB_UNKNOWN"],
    [404, "MANIFEST_UNKNOWN"],
    [400, "MANIFEST_UNKNOWN"],
  ];
  for (const [status, code, failures] of answers.flatMap((answer) => [[...answer, 1], [...answer, 9]] as const)) {
    const puts = new Map<string, number>();
    const refuse = ({ method, url }: Request) => {
      const { pathname } = new URL(url);
      if (method !== "PUT" || !pathname.includes("/manifests/")) return undefined;
      const count = (puts.get(pathname) ?? 0) + 1;
      puts.set(pathname, count);
      return count <= failures ? Response.json({ errors: [{ code }] }, { status }) : undefined;
    };
    const { from, to, copy } = createWorld(undefined, refuse);
    const image = await putImage(from, [await put(from, GZIP, MEDIA_TYPES.ociLayerGzip)]);
    await putList(from, [{ ...image, ...platform("amd64") }]);
    if (failures === 1) {
      await copy();
      assert.deepEqual([...puts.values()], [2, 2], code);
      assert.equal((await to.getManifest("1")).mediaType, MEDIA_TYPES.ociIndex);
    } else {
      // If the registry never finds it, the retries are used up, and no other type is tried.
      await assert.rejects(copy({ maxRetries: 2 }), { status });
      assert.deepEqual([...puts.values()], [3], code);
    }
  }
});

Deno.test("a layer that is compressed during the copy can be written to a registry that accepts only chunks", async () => {
  const refuse = ({ method, headers }: Request) =>
    method === "PATCH" && !headers.has("content-range") ? new Response("", { status: 411 }) : undefined;
  const { from, to, copy } = createWorld(undefined, refuse);
  await putImageAs1(from, GZIP);
  const retried: string[] = [];
  const options = { forceCompressionFormat: true, systemContext: { compressionFormat: "zstd" } };
  await copy({ ...options, onProgress: (event) => void (event.type === "retrying" && retried.push(event.step)) });
  const { layers } = await readImage(to, "1") as { layers: readonly Descriptor[] };
  assert.equal(await to.headBlob(layers[0]!.digest), layers[0]!.size);
  assert.deepEqual(retried, [`copying blob ${digestOf(GZIP)}`]);
});

Deno.test("reading the top-level manifest is retried, and each retry is reported", async () => {
  let failures = 2;
  const { from, copy } = createWorld((request, answer) =>
    request.url.endsWith("/manifests/1") && failures-- > 0 ? new Response("busy", { status: 500 }) : answer
  );
  await putImageAs1(from, GZIP);
  const events: unknown[] = [];
  await copy({
    onProgress: (event) => {
      if (event.type === "retrying") events.push([event.step, event.attempt, event.maxRetries, event.delay]);
    },
  });
  assert.deepEqual(events, [["reading the manifest", 1, 3, 0], ["reading the manifest", 2, 3, 0]]);
});

Deno.test("a foreign layer that stays at its URLs does not replace the same layer that must be copied", async () => {
  const { from, to, copy } = createWorld();
  const layer = await put(from, GZIP, MEDIA_TYPES.ociLayerGzip);
  const foreign = { ...layer, mediaType: MEDIA_TYPES.ociNondistributableLayerGzip, urls: ["https://x.example/l"] };
  const images = [await putImage(from, [foreign]), await putImage(from, [layer])];
  await putList(from, images.map((image, i) => ({ ...image, ...platform(["amd64", "arm64"][i]!) })));
  await copy();
  assert.equal(await to.headBlob(layer.digest), layer.size);
});

Deno.test("reading a configuration, and layers for their digests only, is retried", async () => {
  for (const compress of [undefined, "gzip"]) {
    let failures = 0;
    const { from, to, copy } = createWorld((request, answer) => {
      if (request.method !== "GET" || !request.url.includes("/blobs/") || failures++ % 2 === 1) return answer;
      return new Response("busy", { status: 500 });
    });
    await putImageAs1(from, compress ? GZIP : TAR);
    await copy({ manifestType: MEDIA_TYPES.ociManifest, maxRetries: 2 });
    assert.equal((await readImage(to, "1")).mediaType, MEDIA_TYPES.ociManifest);
    assert.ok(failures >= 4);
  }
});

async function putImageAs1(repository: Repository, layer: Uint8Array<ArrayBuffer>): Promise<void> {
  const image = await putImage(repository, [await put(repository, layer, MEDIA_TYPES.dockerLayerGzip)], {
    docker: true,
  });
  const { bytes } = await repository.getManifest(image.digest);
  await repository.putManifest("1", bytes, { mediaType: image.mediaType });
}

Deno.test("a layer that cannot be decompressed releases its stream and fails with an error that names it", async () => {
  let cancelled = 0;
  const bzip2 = encodeUtf8("BZh91AY&SY" + "x".repeat(300_000));
  const { from, copy } = createWorld((request, answer) => {
    if (request.method !== "GET" || !request.url.includes(digestOf(bzip2))) return answer;
    let at = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(bzip2.subarray(at, at += 1000)),
      cancel: () => void cancelled++,
    });
    return new Response(body, answer);
  });
  const image = await putImage(from, [await put(from, bzip2, MEDIA_TYPES.ociLayer)]);
  await putList(from, [{ ...image, ...platform("amd64") }]);
  const forced = { forceCompressionFormat: true, systemContext: { compressionFormat: "gzip" } };
  await assert.rejects(
    copy(forced),
    (error: Error & { code: string }) =>
      error.code === "COMPRESSION_NOT_SUPPORTED" && error.message.includes(digestOf(bzip2)),
  );
  assert.equal(cancelled, 1);
});

Deno.test("a copy that cannot succeed fails before anything is written", async () => {
  type Make = (from: Repository) => Promise<Descriptor>;
  const gzip = (from: Repository) => put(from, GZIP, MEDIA_TYPES.ociLayerGzip);
  const rows: [string, Make, Partial<CopyOptions>, string][] = [
    [
      "a wrong size in a list that must not change",
      async (from) => ({ ...await putImage(from, [await gzip(from)]), size: 7 }),
      { preserveDigests: true },
      "CANNOT_MODIFY",
    ],
    [
      "a wrong type in a list that must not change",
      async (from) => ({ ...await putImage(from, [await gzip(from)]), mediaType: MEDIA_TYPES.dockerManifest }),
      { preserveDigests: true },
      "CANNOT_MODIFY",
    ],
    [
      "a variant for a list that must not change",
      async (from) => await putImage(from, [await gzip(from)]),
      { preserveDigests: true, addCompression: ["zstd"] },
      "CANNOT_MODIFY",
    ],
    [
      "one blob of two sizes",
      async (from) => {
        const layer = await gzip(from);
        return await putImage(from, [layer, { ...layer, size: layer.size + 1 }]);
      },
      {},
      "INVALID_MANIFEST",
    ],
    [
      "a Docker configuration that is not JSON",
      async (from) => {
        const layer = await put(from, GZIP, MEDIA_TYPES.dockerLayerGzip);
        return await putImage(from, [layer], { docker: true, config: "{" });
      },
      { manifestType: MEDIA_TYPES.ociManifest },
      "INVALID_JSON",
    ],
    [
      "schema 1 without history",
      async (from) => {
        const fsLayers = [{ blobSum: (await gzip(from)).digest }];
        const manifest = encode({ schemaVersion: 1, name: "app", tag: "1", architecture: "amd64", fsLayers });
        await from.putManifest(digestOf(manifest), manifest, { mediaType: MEDIA_TYPES.dockerSchema1 });
        return describe(MEDIA_TYPES.dockerSchema1, manifest);
      },
      { manifestType: MEDIA_TYPES.ociManifest },
      "INVALID_MANIFEST",
    ],
    [
      "a foreign layer with zstd for Docker",
      async (from) => {
        const zstd = await put(from, new Uint8Array(zstdCompressSync(TAR)), "x");
        const mediaType = MEDIA_TYPES.ociNondistributableLayerZstd;
        return await putImage(from, [{ ...zstd, mediaType, urls: ["https://x.example/l"] }]);
      },
      { manifestType: MEDIA_TYPES.dockerManifest },
      "CONVERSION_NOT_SUPPORTED",
    ],
  ];
  for (const [what, make, options, code] of rows) {
    const { from, copy, uploads } = createWorld();
    await putList(from, [{ ...await make(from), ...platform("amd64") }]);
    await assert.rejects(copy(options), { code }, what);
    assert.equal(uploads(), 0, what);
  }
});

Deno.test("a layer with another content than the configuration specifies is rejected, even if the counts differ", async () => {
  for (const diffIds of [[digestOf(encode("other"))], [digestOf(encode("other")), digestOf(TAR)]]) {
    const { from, to, copy } = createWorld();
    const layer = await put(from, TAR, MEDIA_TYPES.ociLayer);
    await putList(from, [{ ...await putImage(from, [layer], { diffIds }), ...platform("amd64") }]);
    await assert.rejects(copy(), { code: "DIGEST_MISMATCH" });
    assert.equal(await to.headManifest("1"), undefined);
  }
});

Deno.test("an attestation names its image by the new digest", async () => {
  const { from, to, copy } = createWorld();
  const image = await putImage(from, [await put(from, TAR, MEDIA_TYPES.ociLayer)]);
  const statement = await putImage(from, [await put(from, encode("{}"), "application/vnd.in-toto+json")], {
    diffIds: [digestOf(encode("{}"))],
  });
  const annotations = {
    "vnd.docker.reference.type": "attestation-manifest",
    "vnd.docker.reference.digest": image.digest,
  };
  await putList(from, [
    { ...image, ...platform("amd64") },
    { ...statement, annotations, platform: { os: "unknown", architecture: "unknown" } },
  ]);
  await copy();
  const [now, attestation] = await readIndex(to);
  assert.notEqual(now!.digest, image.digest);
  assert.deepEqual(attestation!.annotations, { ...annotations, "vnd.docker.reference.digest": now!.digest });
  assert.equal(attestation!.digest, statement.digest);
  const { layers: [layer] } = await readImage(to, now!.digest);
  assert.deepEqual(new Uint8Array(gunzipSync(await readBlob(await to.getBlob(layer!), layer!, 1e6))), TAR);
});
