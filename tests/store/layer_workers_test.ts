/** Large layers are prepared in workers: with the same result, and without leftovers if they fail. */
import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { copyImage } from "../../mod.ts";
import { type ByteStream, concatBytes } from "../../src/internal/room.ts";
import { startWorker } from "../../src/internal/worker/room.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { UNKNOWN_SIZE } from "../../src/spec/room.ts";
import { readAt } from "../../src/store/containers_storage/unpack/libc.ts";
import { findStat } from "../../src/store/containers_storage/unpack/nodes.ts";
import type { UnpackRules } from "../../src/store/containers_storage/unpack/rules.ts";
import { LayerWorkers } from "../../src/store/containers_storage/writing/layer_workers.ts";
import { openNamelessFile } from "../../src/store/containers_storage/writing/nameless_file.ts";
import { CLI } from "../support/cli.ts";
import { withDisk } from "../support/disks.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf, encode, makeImage, pushImage } from "../support/images.ts";
import { BASE_ENTRIES } from "../support/layer_corpus.ts";
import { type OddEntry, oddTar } from "../support/odd_tar.ts";
import { ok, peerTest } from "../support/peers.ts";
import { serve, startEmbedded } from "../support/registries.ts";
import { dumpTree } from "../support/store_dump.ts";
import { makeStore, storageName, type TestStore } from "../support/stores.ts";

const DRIVERS = ["vfs", "overlay"] as const;
const OPTIONS = {
  systemContext: { dockerInsecureSkipTlsVerify: true, retryDelay: 0, blobInfoCacheDir: "" },
  maxRetries: 0,
  signaturePolicy: acceptAnything,
};

/** Content that makes a layer large, also if it is compressed. */
const noise = (size: number) => {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
};
const large = (name: string, size = 1_500_000): OddEntry => ({ name, content: noise(size) });

/** Splits bytes into chunks of odd sizes. Fails after `limit` bytes, if there is one. */
function streamOf(bytes: Uint8Array, limit?: number, error?: Error): ByteStream {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (limit !== undefined && at >= limit) throw error;
      if (at >= bytes.length) return controller.close();
      controller.enqueue(new Uint8Array(bytes.subarray(at, at += 70_001)));
    },
  }, { highWaterMark: 0 });
}

const rulesOf = (driver: UnpackRules["driver"]): UnpackRules => ({
  driver,
  limited: false,
  plainWhiteouts: false,
  ignoresOwnerErrors: false,
});

/** Prepares a layer and returns everything that it made. */
async function prepare(workers: LayerWorkers, stream: ByteStream, driver: UnpackRules["driver"], folder: string) {
  using tarSplit = await openNamelessFile(undefined);
  using headers = await openNamelessFile(undefined);
  await Deno.mkdir(folder);
  const output = { folder, headers: driver === "vfs" ? headers.fd : undefined };
  const job = { layer: "sha256:test", rules: rulesOf(driver), tarSplit: tarSplit.fd, output };
  const facts = await workers.prepare(stream, job, UNKNOWN_SIZE);
  const read = (fd: number) => {
    const bytes = new Uint8Array(findStat(fd)!.size);
    assert.equal(readAt(fd, bytes, 0), bytes.length);
    return bytes;
  };
  const tree = dumpTree(folder).map((line) => line.startsWith('"." ') ? "top" : line);
  return { facts, tarSplit: read(tarSplit.fd), headers: read(headers.fd), tree };
}

folderTest("a worker makes the same of a layer as this thread", async (folder) => {
  const tar = oddTar([...BASE_ENTRIES, large("large"), large("next", 700_000)]);
  const forms = [tar, new Uint8Array(gzipSync(tar)), new Uint8Array(zstdCompressSync(tar)), new Uint8Array()];
  using inWorkers = new LayerWorkers(2);
  using inThread = new LayerWorkers(0);
  for (const driver of DRIVERS) {
    for (const [i, bytes] of forms.entries()) {
      const expected = await prepare(inThread, streamOf(bytes), driver, `${folder}/${driver}${i}`);
      assert.deepEqual(await prepare(inWorkers, streamOf(bytes), driver, `${folder}/${driver}${i}w`), expected);
    }
  }
}, ["root"]);

folderTest(
  "a layer whose source fails is given up with that error, and its worker takes the next one",
  async (folder) => {
    const gzipped = new Uint8Array(gzipSync(oddTar([large("large")])));
    using workers = new LayerWorkers(2);
    const error = new Error("the network is gone");
    const failing = prepare(workers, streamOf(gzipped, 900_000, error), "overlay", `${folder}/a`);
    await assert.rejects(failing, (actual) => actual === error);
    await prepare(workers, streamOf(gzipped), "overlay", `${folder}/b`);
    const corrupt = gzipped.slice();
    corrupt.fill(0, 1_000_000, 1_000_100);
    const damaged = prepare(workers, streamOf(corrupt), "overlay", `${folder}/c`);
    await assert.rejects(damaged, { code: "ARCHIVE_INVALID", message: /^Cannot store layer sha256:test: / });
    await prepare(workers, streamOf(gzipped), "overlay", `${folder}/d`);
  },
  ["root"],
);

folderTest("a worker that dies fails its layer; the next ones are prepared in this thread", async (folder) => {
  const source = `postMessage("ready"); self.onmessage = () => { throw new Error("died"); };`;
  const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  using workers = new LayerWorkers(2, () => startWorker(url, url));
  using none = new LayerWorkers(2, () => Promise.resolve(undefined));
  const tar = oddTar([large("large")]);
  await assert.rejects(prepare(workers, streamOf(tar), "overlay", `${folder}/a`), /Cannot unpack in a worker: .*died/);
  const { facts } = await prepare(workers, streamOf(tar), "overlay", `${folder}/b`);
  assert.equal(facts.diffSize, tar.length);
  await prepare(none, streamOf(tar), "overlay", `${folder}/c`);
}, ["root"]);

/** A registry with `app:1` whose large layer is sent up to its middle, until `release` is called. */
async function startStalling(image: ReturnType<typeof makeImage>) {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const half = Promise.withResolvers<void>();
  const served = serve(async (request) => {
    const response = await registry.fetch(request);
    if (request.method !== "GET" || !request.url.endsWith(image.blobs[0]!.descriptor.digest)) return response;
    const bytes = new Uint8Array(await response.arrayBuffer());
    const parts = [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)];
    const body = new ReadableStream({
      async pull(controller) {
        if (parts.length === 1) {
          half.resolve();
          await released;
        }
        const part = parts.shift();
        if (part) controller.enqueue(part);
        else controller.close();
      },
    }, { highWaterMark: 0 });
    return new Response(body, response);
  });
  await pushImage(clientOf(served.host).repository("app"), image, "1");
  return { served, half: half.promise, release, from: `docker://${served.host}/app:1` };
}

/** Waits until a file is being unpacked in the staging folder of an overlay store. */
async function waitForUnpacking({ root }: Pick<TestStore, "root">): Promise<void> {
  while (
    !await Deno.stat(root).then(() => dumpTree(root), () => []).then((l) => l.some((x) => /temp-dir-.*f"/.test(x)))
  ) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

peerTest("a copy that is aborted while a worker unpacks leaves nothing", ["root"], async () => {
  const image = makeImage({ architecture: "amd64", layers: [oddTar([large("f"), large("g")])] });
  const { served, half, release, from } = await startStalling(image);
  await using _served = served;
  await using at = await makeStore("overlay");
  const controller = new AbortController();
  const copying = copyImage(from, storageName(at, "localhost/app:1"), { ...OPTIONS, signal: controller.signal });
  copying.catch(() => {});
  await half;
  await waitForUnpacking(at);
  controller.abort(new Error("enough"));
  await assert.rejects(copying, /enough/);
  release();
  assert.deepEqual(dumpTree(at.root).filter((line) => line.includes("temp")), []);
  assert.deepEqual(await at.store.listImages(), []);
});

peerTest("after kill -9 while a worker unpacks, the next run succeeds", ["buildah", "root"], async () => {
  const image = makeImage({ architecture: "amd64", layers: [oddTar([large("f"), large("g")])] });
  const { served, half, release, from } = await startStalling(image);
  await using _served = served;
  await using at = await makeStore("overlay");
  const args = ["copy", "-q", "--insecure-policy", "--src-tls-verify=false", from, storageName(at, "localhost/app:1")];
  const child = new Deno.Command(CLI[0]!, { args: [...CLI.slice(1), ...args], stderr: "null" }).spawn();
  await half;
  await waitForUnpacking(at);
  child.kill("SIGKILL");
  await child.status;
  release();
  assert.equal(await ok(["buildah", ...at.flags, "images", "-q"]), "");
  await copyImage(from, storageName(at, "localhost/app:1"), OPTIONS);
  assert.deepEqual(dumpTree(at.root).filter((line) => line.includes("temp")), []);
  assert.match(await ok(["buildah", ...at.flags, "images"]), /localhost\/app/);
});

peerTest("a large layer that is refused at its end leaves nothing", ["root"], async () => {
  await using registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  const twice: OddEntry = { name: "twice", content: encode("x") };
  const bad = oddTar([large("f"), twice, twice]);
  await pushImage(repository, makeImage({ architecture: "amd64" }), "good");
  await pushImage(repository, makeImage({ architecture: "amd64", layers: [bad] }), "bad");
  // The bytes are those of the manifest, but the configuration names others.
  const other = makeImage({ architecture: "amd64", layers: [oddTar([large("f")])] });
  const wrong = concatBytes([other.manifest]);
  const layer = makeImage({ architecture: "amd64", layers: [oddTar([large("g")])] }).blobs[0]!;
  const manifest = { ...JSON.parse(new TextDecoder().decode(wrong)), layers: [layer.descriptor] };
  const blobs = [layer, other.blobs[1]!];
  await pushImage(repository, { manifest: encode(manifest), digest: other.digest, blobs }, "wrong");
  for (const driver of DRIVERS) {
    await using at = await makeStore(driver);
    const copy = (tag: string) => copyImage(`docker://${registry.host}/app:${tag}`, storageName(at, tag), OPTIONS);
    await copy("good");
    const timeless = () => dumpTree(at.root).map((line) => line.replace(/ \d{19} /, " "));
    const before = timeless();
    await assert.rejects(copy("bad"), { code: "LAYER_NOT_REPRODUCIBLE", message: /"twice" occurs twice/ });
    assert.deepEqual(timeless(), before);
    await assert.rejects(copy("wrong"), { code: "DIGEST_MISMATCH" });
    assert.deepEqual(timeless(), before);
  }
});

peerTest("on a full disk, a large layer fails with STORE_IO and leaves nothing", ["mount", "root"], async () => {
  await using registry = startEmbedded();
  const layers = [oddTar([large("f", 3_000_000)])];
  await pushImage(clientOf(registry.host).repository("app"), makeImage({ architecture: "amd64", layers }), "1");
  for (const driver of DRIVERS) {
    await withDisk("size=2m", async (folder) => {
      const at = { driver, root: `${folder}/root`, runRoot: `${folder}/run` };
      const copying = copyImage(`docker://${registry.host}/app:1`, storageName(at, "localhost/app:1"), OPTIONS);
      await assert.rejects(copying, { code: "STORE_IO", message: /^Cannot .*No space left on device/ });
      assert.deepEqual(dumpTree(at.root).filter((line) => /temp|"\.\/(vfs\/dir|overlay)\/[0-9a-f]{64}/.test(line)), []);
    });
  }
});
