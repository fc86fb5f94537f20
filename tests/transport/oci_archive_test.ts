import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { ImageSource, SystemContext } from "../../src/image/room.ts";
import { toStream } from "../../src/internal/room.ts";
import { digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { createOciArchiveTransport } from "../../src/transport/oci_archive/room.ts";
import { createOciTransport } from "../../src/transport/oci/room.ts";
import { makeArchive, newBlob, readAll, type TestMember, transfer, withFolder } from "../support/archives.ts";
import { buildImages } from "../support/built_images.ts";
import { describe, encode, makeImage, type TestImage } from "../support/images.ts";
import { ok, peerTest } from "../support/peers.ts";
import { makeStore } from "../support/stores.ts";

const { parseReference: parse } = createOciArchiveTransport();
const IMAGE = makeImage({ architecture: "amd64" });

const blobName = (digest: string) => `blobs/${digest.replace(":", "/")}`;

function encodeIndex(image: TestImage, name?: string): string {
  const annotations = name === undefined ? {} : { annotations: { "org.opencontainers.image.ref.name": name } };
  const manifests = [{ ...describe(MEDIA_TYPES.ociManifest, image.manifest), ...annotations }];
  return JSON.stringify({ schemaVersion: 2, manifests });
}

/** Creates the members of an archive with one image. */
function makeLayout(image: TestImage, name?: string): TestMember[] {
  return [
    ["oci-layout", '{"imageLayoutVersion":"1.0.0"}'],
    ...image.blobs.map(({ descriptor, bytes }) => [blobName(descriptor.digest), bytes] as const),
    [blobName(image.digest), image.manifest],
    ["index.json", encodeIndex(image, name)],
  ];
}

/** Reads and compares the whole test image. */
async function readImage(source: ImageSource): Promise<void> {
  assert.deepEqual((await source.getManifest()).bytes, IMAGE.manifest);
  assert.deepEqual((await source.getManifest({ instance: IMAGE.digest })).bytes, IMAGE.manifest);
  for (const { descriptor, bytes } of IMAGE.blobs) {
    assert.deepEqual(await readAll(await source.getBlob(descriptor)), bytes);
  }
}

async function openBytes(
  bytes: Uint8Array,
  use: (source: ImageSource) => Promise<void>,
  { image = "", context }: { image?: string; context?: SystemContext } = {},
): Promise<void> {
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.tar`, bytes);
    await using source = await parse(`${folder}/a.tar:${image}`).openSource(context);
    await use(source);
  });
}

Deno.test("oci-archive: names", () => {
  const table: [text: string, printed: string][] = [
    ["/a/b.tar", "/a/b.tar:"],
    ["/a/b.tar:", "/a/b.tar:"],
    ["rel.tar:v1.0", "rel.tar:v1.0"],
    ["/a:quay.io/me/app:1", "/a:quay.io/me/app:1"],
  ];
  for (const [text, printed] of table) {
    assert.equal(String(parse(text)), `oci-archive:${printed}`);
    assert.equal(String(parse(printed)), `oci-archive:${printed}`);
    assert.equal(parse(text).dockerReference, undefined);
  }
  for (const text of ["", ":v1", "/a:@0", "/a:-x", "/a:x//y"]) {
    assert.throws(() => parse(text), { code: "INVALID_REFERENCE" }, text);
  }
});

Deno.test("oci-archive: policy identifies the archive by its real path, without the image", async () => {
  await withFolder(async (folder) => {
    const real = await Deno.realPath(folder);
    await Deno.mkdir(`${folder}/real`);
    await Deno.symlink("real", `${folder}/link`);
    const reference = parse(`${folder}/link/a.tar:v1`);
    assert.equal(reference.policyConfigurationIdentity, `${real}/real/a.tar`);
    assert.deepEqual(reference.policyConfigurationNamespaces.slice(0, 3), [`${real}/real/a.tar`, `${real}/real`, real]);
    assert.ok(!reference.policyConfigurationNamespaces.includes("/"));
  });
});

Deno.test("oci-archive: an image is read from every form of archive", async (t) => {
  const plain = makeArchive(makeLayout(IMAGE, "one"));
  const table: [string, Uint8Array][] = [
    ["plain", plain],
    ["gzip", gzipSync(plain)],
    ["zstd", zstdCompressSync(plain)],
    ["names with ./", makeArchive(makeLayout(IMAGE, "one").map(([name, content]) => [`./${name}`, content]))],
    ["without the end", plain.subarray(0, -1024)],
    ["members twice", makeArchive([["index.json", "old"], ...makeLayout(IMAGE, "one")])],
  ];
  for (const [form, bytes] of table) {
    for (const image of ["", "one"]) await t.step(`${form} ${image}`, () => openBytes(bytes, readImage, { image }));
  }
});

Deno.test("oci-archive: a compressed archive is unpacked in the folder for large files, which is empty afterwards", async () => {
  await withFolder(async (folder) => {
    const bytes = gzipSync(makeArchive(makeLayout(IMAGE)));
    await openBytes(bytes, readImage, { context: { bigFilesTemporaryDir: folder } });
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
    const missing = { context: { bigFilesTemporaryDir: `${folder}/missing` } };
    await assert.rejects(openBytes(bytes, readImage, missing), { code: "TRANSPORT_IO" });
  });
});

peerTest("oci-archive: an archive is read from a pipe", ["mkfifo", "dd"], async () => {
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.tar`, gzipSync(makeArchive(makeLayout(IMAGE))));
    await ok(["mkfifo", `${folder}/pipe`]);
    const writer = ok(["dd", "status=none", `if=${folder}/a.tar`, `of=${folder}/pipe`]);
    await using source = await parse(`${folder}/pipe`).openSource();
    await readImage(source);
    await writer;
  });
});

Deno.test("oci-archive: concurrent reads do not interfere", async () => {
  const layers = [1, 2, 3].map((seed) => new Uint8Array(700_000).map((_, i) => (i * seed * 7919) >> 3));
  const blobs = layers.map((bytes) => ({ descriptor: describe(MEDIA_TYPES.ociLayer, bytes), bytes }));
  await openBytes(makeArchive(makeLayout({ ...IMAGE, blobs })), async (source) => {
    const read = await Promise.all(blobs.map(async ({ descriptor }) => readAll(await source.getBlob(descriptor))));
    assert.deepEqual(read.map((bytes) => digestOf(bytes)), layers.map((bytes) => digestOf(bytes)));
  });
});

Deno.test("oci-archive: damaged archives, and archives without the image", async (t) => {
  const good = makeArchive(makeLayout(IMAGE, "one"));
  const garbled = good.slice();
  garbled[3]! ^= 1;
  const without = (name: string) => makeArchive(makeLayout(IMAGE, "one").filter(([member]) => member !== name));
  const wrong = encode("{}");
  const table: [what: string, bytes: Uint8Array, code: string, image?: string][] = [
    ["empty", new Uint8Array(), "ARCHIVE_INVALID"],
    ["text", encode("hello ".repeat(500)), "ARCHIVE_INVALID"],
    ["a wrong checksum", garbled, "ARCHIVE_INVALID"],
    ["cut within a header", good.subarray(0, 700), "ARCHIVE_INVALID"],
    ["cut within content", good.subarray(0, 1500 + 24), "ARCHIVE_INVALID"],
    ["cut gzip", gzipSync(good).subarray(0, 300), "ARCHIVE_INVALID"],
    ["broken gzip", gzipSync(good).fill(0, 200, 260), "ARCHIVE_INVALID"],
    ["bzip2", encode("BZh91AY&SY and so on"), "COMPRESSION_NOT_SUPPORTED"],
    ["no index.json", without("index.json"), "ARCHIVE_INVALID"],
    ["index.json is a folder", makeArchive([["index.json", { type: "dir" }]]), "ARCHIVE_INVALID"],
    ["index.json leads out", makeArchive([["index.json", { type: "symlink", linkName: "../x" }]]), "ARCHIVE_INVALID"],
    ["index.json is not JSON", makeArchive([["index.json", "{"]]), "LAYOUT_INVALID"],
    ["large index.json", makeArchive([["index.json", new Uint8Array(16 * 1024 * 1024 + 1)]]), "LIMIT_EXCEEDED"],
    ["a name that leads out", makeArchive([["../index.json", encodeIndex(IMAGE)]]), "ARCHIVE_INVALID"],
    ["an absolute name", makeArchive([["/index.json", encodeIndex(IMAGE)]]), "ARCHIVE_INVALID"],
    ["an unknown name", good, "NOT_FOUND", "two"],
    ["no manifest", without(blobName(IMAGE.digest)), "NOT_FOUND"],
    ["another manifest", makeArchive([...makeLayout(IMAGE), [blobName(IMAGE.digest), wrong]]), "DIGEST_MISMATCH"],
    [
      "a large manifest",
      makeArchive([...makeLayout(IMAGE), [blobName(IMAGE.digest), new Uint8Array(5e6)]]),
      "LIMIT_EXCEEDED",
    ],
  ];
  for (const [what, bytes, code, image = ""] of table) {
    await t.step(what, () => assert.rejects(openBytes(bytes, readImage, { image }), { code }));
  }
  const [layer] = IMAGE.blobs;
  await t.step(
    "a blob that is missing",
    () => assert.rejects(openBytes(without(blobName(layer!.descriptor.digest)), readImage), { code: "NOT_FOUND" }),
  );
  await t.step("a folder, and nothing", async () => {
    await withFolder(async (folder) => {
      await assert.rejects(parse(folder).openSource(), { code: "ARCHIVE_INVALID" });
      await assert.rejects(parse(`${folder}/none.tar`).openSource(), { code: "NOT_FOUND" });
    });
  });
});

Deno.test("oci-archive: an archive with too many members is rejected", async () => {
  const members: TestMember[] = Array.from({ length: 100_001 }, (_, i) => [`m${i}`, ""]);
  await assert.rejects(openBytes(makeArchive(members), readImage), { code: "LIMIT_EXCEEDED" });
});

/** Writes the test image. */
async function write(path: string, late = false, context?: SystemContext): Promise<void> {
  await openBytes(makeArchive(makeLayout(IMAGE)), async (source) => {
    await using destination = await parse(path).openDestination(context);
    await transfer(source, destination, late);
    await destination.commit();
  });
}

Deno.test("oci-archive: abilities of a destination", async () => {
  await withFolder(async (folder) => {
    await using destination = await parse(`${folder}/a`).openDestination();
    assert.deepEqual(destination.abilities, {
      manifestTypes: [MEDIA_TYPES.ociManifest, MEDIA_TYPES.ociIndex],
      preservedManifestTypes: [MEDIA_TYPES.dockerManifest, MEDIA_TYPES.dockerList],
      layerCompression: "compress",
      keepsForeignLayers: true,
      parallelBlobs: false,
      referrers: false,
    });
    await using other = await parse(`${folder}/b`).openDestination({ ociAcceptUncompressedLayers: true });
    assert.equal(other.abilities.layerCompression, "preserve");
    // An image without a name is found only if it is the only entry.
    await using named = await parse(`${folder}/c:name`).openDestination();
    assert.equal(named.abilities.referrers, true);
    await assert.rejects(destination.putManifest(encode("{}"), MEDIA_TYPES.dockerSchema1), {
      code: "MANIFEST_REJECTED",
    });
    await assert.rejects(destination.commit(), TypeError);
  });
});

Deno.test("oci-archive: a written archive is read, is reproducible, and replaces the old one", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.tar`;
    await write(`${path}:one`);
    const first = await Deno.readFile(path);
    // Digests and sizes that are known only at the end make no difference.
    await write(`${path}:other`);
    await Deno.chmod(path, 0o640);
    await write(`${path}:one`, true);
    assert.deepEqual(await Deno.readFile(path), first);
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o640);
    await using source = await parse(`${path}:one`).openSource();
    await readImage(source);
    assert.deepEqual(await names(folder), ["a.tar"]);
  });
});

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

Deno.test("oci-archive: a link to an archive stays a link", async () => {
  await withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/real`);
    await Deno.writeTextFile(`${folder}/real/a.tar`, "");
    await Deno.symlink("real/a.tar", `${folder}/link.tar`);
    await write(`${folder}/link.tar`);
    assert.ok((await Deno.lstat(`${folder}/link.tar`)).isSymlink);
    await using source = await parse(`${folder}/real/a.tar`).openSource();
    await readImage(source);
  });
});

Deno.test("oci-archive: concurrent blobs are written one after another, each once", async () => {
  await withFolder(async (folder) => {
    const all = [1, 2, 3, 1].map((seed) => new Uint8Array(300_000).fill(seed));
    await using destination = await parse(`${folder}/a`).openDestination();
    await Promise.all(all.map((bytes, i) => {
      const stream = new Blob([bytes]).stream() as ReadableStream<Uint8Array<ArrayBuffer>>;
      return destination.putBlob(newBlob(describe(MEDIA_TYPES.ociLayer, bytes), "layer", i % 2 === 0), stream);
    }));
    await destination.putManifest(IMAGE.manifest, MEDIA_TYPES.ociManifest);
    await destination.commit();
    assert.ok((await Deno.stat(`${folder}/a`)).size < 4 * 300_000);
    await using source = await parse(`${folder}/a`).openSource();
    for (const bytes of all) {
      assert.deepEqual(await readAll(await source.getBlob(describe(MEDIA_TYPES.ociLayer, bytes))), bytes);
    }
  });
});

Deno.test("oci-archive: a failed blob leaves nothing in the archive, and the next attempt succeeds", async () => {
  await withFolder(async (folder) => {
    await write(`${folder}/once`);
    const [layer] = IMAGE.blobs;
    const broken = () =>
      new ReadableStream<Uint8Array<ArrayBuffer>>({
        start: (controller) => controller.enqueue(new Uint8Array(100_000)),
        pull: () => Promise.reject(new Error("the source broke")),
      });
    await openBytes(makeArchive(makeLayout(IMAGE)), async (source) => {
      await using destination = await parse(`${folder}/twice`).openDestination();
      const blob = newBlob(layer!.descriptor, "layer");
      await assert.rejects(destination.putBlob(blob, broken()), /the source broke/);
      await transfer(source, destination);
      await destination.commit();
    });
    assert.deepEqual(await Deno.readFile(`${folder}/twice`), await Deno.readFile(`${folder}/once`));
  });
});

Deno.test("oci-archive: an abort ends a pending write with the reason of the signal", async () => {
  await withFolder(async (folder) => {
    const reason = new Error("enough");
    const [layer] = IMAGE.blobs;
    const blob = newBlob(layer!.descriptor, "layer");
    {
      await using destination = await parse(`${folder}/a`).openDestination();
      let cancelled: unknown;
      const waiting = new ReadableStream<Uint8Array<ArrayBuffer>>({ cancel: (why) => void (cancelled = why) });
      const abort = new AbortController();
      const write = destination.putBlob(blob, waiting, { signal: abort.signal });
      const queued = destination.putBlob(blob, toStream(layer!.bytes), { signal: abort.signal });
      const ended = Promise.allSettled([write, queued]);
      abort.abort(reason);
      for (const result of await ended) assert.equal((result as PromiseRejectedResult).reason, reason);
      assert.equal(cancelled, reason);
      await destination.putBlob(blob, toStream(layer!.bytes));
      await destination.putManifest(IMAGE.manifest, MEDIA_TYPES.ociManifest);
      await assert.rejects(destination.commit({ signal: abort.signal }), reason);
    }
    assert.deepEqual(await names(folder), []);
    await openBytes(makeArchive(makeLayout(IMAGE)), async (source) => {
      const stream = await source.getBlob(layer!.descriptor, { signal: AbortSignal.abort(reason) });
      await assert.rejects(readAll(stream), reason);
    });
  });
});

Deno.test("oci-archive: leftovers of killed runs are removed, other temporary files are not", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/.tmp-manifests-dead`, "half");
    await Deno.writeTextFile(`${folder}/.tmp-other`, "not ours");
    using alive = await Deno.open(`${folder}/.tmp-manifests-alive`, { createNew: true, write: true });
    await alive.lock(true);
    await write(`${folder}/a.tar`);
    assert.deepEqual(await names(folder), [".tmp-manifests-alive", ".tmp-other", "a.tar"]);
  });
});

Deno.test("oci-archive: destinations that cannot be written", async () => {
  await withFolder(async (folder) => {
    await assert.rejects(parse(folder).openDestination(), { code: "DESTINATION_NOT_AN_IMAGE" });
    await assert.rejects(parse(`${folder}/none/a.tar`).openDestination(), { code: "TRANSPORT_IO" });
  });
});

peerTest(
  "oci-archive: skopeo, podman and umoci read written archives",
  ["skopeo", "podman", "umoci", "tar"],
  async () => {
    await using at = await makeStore();
    await withFolder(async (folder) => {
      const path = `${folder}/a.tar`;
      await write(`${path}:one`);
      const raw = await ok(["skopeo", "inspect", "--raw", `oci-archive:${path}:one`]);
      assert.equal(digestOf(encode(raw)), IMAGE.digest);
      await ok(["skopeo", "copy", "-q", `oci-archive:${path}:one`, `dir:${folder}/dir`]);
      assert.deepEqual(await Deno.readFile(`${folder}/dir/manifest.json`), IMAGE.manifest);
      assert.match(await ok(["podman", ...at.flags, "load", "-i", path]), /Loaded image/);
      await Deno.mkdir(`${folder}/layout`);
      await ok(["tar", "-C", `${folder}/layout`, "-xf", path]);
      assert.equal(await ok(["umoci", "ls", "--layout", `${folder}/layout`]), "one");
      const owners = await ok(["tar", "--numeric-owner", "-tvf", path]);
      assert.ok(owners.split("\n").every((line) => / 0\/0 /.test(line)), owners);
    });
  },
);

peerTest("oci-archive: an archive can be written to a pipe", ["skopeo", "mkfifo", "dd"], async () => {
  await withFolder(async (folder) => {
    await ok(["mkfifo", `${folder}/pipe`]);
    const reader = ok(["dd", "status=none", `if=${folder}/pipe`, `of=${folder}/a.tar`]);
    await write(`${folder}/pipe`);
    await reader;
    const raw = await ok(["skopeo", "inspect", "--raw", `oci-archive:${folder}/a.tar`]);
    assert.equal(digestOf(encode(raw)), IMAGE.digest);
    assert.ok((await Deno.lstat(`${folder}/pipe`)).isFifo);
  });
});

peerTest("oci-archive: archives of skopeo, podman and buildah are read", ["skopeo", "podman", "buildah"], async (t) => {
  await using at = await makeStore();
  await withFolder(async (folder) => {
    const [amd64, arm64] = await buildImages(at, "app");
    const store = `containers-storage:[${at.driver}@${at.root}+${at.runRoot}]`;
    await ok(["skopeo", "copy", "-q", store + amd64, `oci-archive:${folder}/skopeo.tar:one`]);
    await ok(["podman", ...at.flags, "save", "-q", "--format=oci-archive", "-o", `${folder}/podman.tar`, amd64!]);
    await ok([
      "podman",
      ...at.flags,
      "save",
      "-q",
      "--format=oci-archive",
      "--uncompressed",
      "-o",
      `${folder}/u.tar`,
      arm64!,
    ]);
    for (const archive of ["skopeo", "podman", "u"]) {
      await t.step(archive, async () => {
        const path = `${folder}/${archive}.tar`;
        await using source = await parse(path).openSource();
        await using copy = await parse(`${folder}/copy.tar:copy`).openDestination();
        const image = await transfer(source, copy);
        await copy.commit();
        assert.equal(image.layers.length, 2);
        const raw = await ok(["skopeo", "inspect", "--raw", `oci-archive:${path}`]);
        assert.equal(digestOf(encode(raw)), digestOf(image.bytes));
        assert.equal(await ok(["skopeo", "inspect", "--raw", `oci-archive:${folder}/copy.tar:copy`]), raw);
      });
    }
  });
});

peerTest("oci-archive: lists are exchanged with skopeo", ["skopeo"], async () => {
  await withFolder(async (folder) => {
    const images = ["amd64", "arm64"].map((architecture) => makeImage({ architecture }));
    const manifests = images.map((image, i) => ({
      ...describe(MEDIA_TYPES.ociManifest, image.manifest),
      platform: { os: "linux", architecture: ["amd64", "arm64"][i] },
    }));
    const index = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
    {
      await using destination = await parse(`${folder}/a.tar:list`).openDestination();
      for (const { blobs, manifest, digest } of images) {
        for (const { descriptor, bytes } of blobs) {
          await destination.putBlob(newBlob(descriptor, "layer"), toStream(bytes));
        }
        await destination.putManifest(manifest, MEDIA_TYPES.ociManifest, { instance: digest });
      }
      await destination.putManifest(index, MEDIA_TYPES.ociIndex);
      await destination.commit();
    }
    await ok(["skopeo", "copy", "-q", "--all", `oci-archive:${folder}/a.tar:list`, `oci:${folder}/layout:list`]);
    await ok(["skopeo", "copy", "-q", "--all", `oci:${folder}/layout:list`, `oci-archive:${folder}/b.tar:list`]);
    for (const text of [`${folder}/a.tar:list`, `${folder}/b.tar`]) {
      await using source = await parse(text).openSource();
      assert.deepEqual((await source.getManifest()).bytes, index);
      for (const { digest, manifest, blobs } of images) {
        assert.deepEqual((await source.getManifest({ instance: digest })).bytes, manifest);
        for (const { descriptor, bytes } of blobs) {
          assert.deepEqual(await readAll(await source.getBlob(descriptor, { instance: digest })), bytes);
        }
      }
    }
    await using layout = await createOciTransport().parseReference(`${folder}/layout`).openSource();
    assert.deepEqual((await layout.getManifest()).bytes, index);
  });
});
