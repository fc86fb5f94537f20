import assert from "node:assert/strict";
import { gunzipSync, gzipSync, zstdDecompressSync } from "node:zlib";
import {
  createRecoder,
  isZstdChunked,
  parseAlgorithm,
  type Recoding,
  runtimeLevel,
  withoutChunkedAnnotations,
} from "../../src/copy/recoding/mod.ts";
import { recodeInThread } from "../../src/copy/recoding/pipeline.ts";
import { openWorkers, RecodingWorker } from "../../src/copy/recoding/recoding_worker.ts";
import { decompressStream } from "../../src/internal/compression/room.ts";
import { type ByteStream, concatBytes, encodeUtf8, readChunks, toStream } from "../../src/internal/room.ts";
import { encodeTarHeader, tarPadding } from "../../src/internal/tar/room.ts";
import { digestOf, manifestDigest, UNKNOWN_SIZE } from "../../src/spec/room.ts";

const layerOf = (size: number) => ({ digest: digestOf(encodeUtf8("layer")), size });
const collect = async (stream: ByteStream) => concatBytes(await Array.fromAsync(readChunks(stream)));

/** Returns reproducible random bytes. */
function noise(size: number): Uint8Array<ArrayBuffer> {
  let state = 1;
  return new Uint8Array(size).map(() => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24);
}

/** Creates a tar archive of files that are chunked differently: random bytes, runs of zeros, empty and repetitive files. */
function makeArchive(): { tar: Uint8Array<ArrayBuffer>; files: Map<string, Uint8Array<ArrayBuffer>> } {
  const files = new Map([
    ["noise", noise(700_000)],
    ["empty", new Uint8Array()],
    ["zeros", new Uint8Array(5000)],
    [
      "holes",
      concatBytes([new Uint8Array(3000), noise(1500), new Uint8Array(1023), noise(10), new Uint8Array(200_000)]),
    ],
    ["text", encodeUtf8("text\n".repeat(30_000))],
  ]);
  const parts = [...files].flatMap(([name, bytes]) => [
    encodeTarHeader({ name, type: "file", size: bytes.length, mode: 0o644, modTime: 1_700_000_000 }),
    bytes,
    new Uint8Array(tarPadding(bytes.length)),
  ]);
  const link = encodeTarHeader({ name: "link", type: "symlink", linkName: "text" });
  return { tar: concatBytes([...parts, link, new Uint8Array(10_240)]), files };
}

const ARCHIVE = makeArchive();

Deno.test("the digest of an uncompressed layer is that against which it is verified", async () => {
  const { tar } = ARCHIVE;
  using recoder = createRecoder();
  const claimed = layerOf(tar.length);
  for (const algorithm of ["gzip", "zstd", "zstd:chunked"] as const) {
    const { stream, measured } = await recoder.recode(toStream(tar.slice()), { compress: { algorithm } }, claimed);
    await collect(stream);
    assert.deepEqual(measured().uncompressed, claimed, algorithm);
  }
  const sha512 = { digest: manifestDigest(tar, "sha512"), size: tar.length };
  const inputs = [[undefined, sha512], ["gzip", { ...claimed, size: tar.length }]] as const;
  for (const [decompress, layer] of inputs) {
    const source = decompress ? new Uint8Array(gzipSync(tar)) : tar.slice();
    const { stream, measured } = await recoder.recode(
      toStream(source),
      { decompress, compress: { algorithm: "zstd" } },
      layer,
    );
    await collect(stream);
    assert.deepEqual(measured().uncompressed, { digest: digestOf(tar), size: tar.length });
  }
});

Deno.test("layers are compressed to the same bytes in workers and in this thread", async () => {
  const { tar } = ARCHIVE;
  const rows: Recoding[] = [
    { compress: { algorithm: "gzip" } },
    { compress: { algorithm: "gzip", level: 9 } },
    { compress: { algorithm: "zstd" } },
    { compress: { algorithm: "zstd:chunked" } },
    { decompress: "gzip", compress: { algorithm: "zstd" } },
    { decompress: "gzip", compress: { algorithm: "gzip", level: 1 } },
    { decompress: "gzip" },
  ];
  using recoder = createRecoder();
  for (const recoding of rows) {
    const source = recoding.decompress ? new Uint8Array(gzipSync(tar)) : tar;
    const inWorkers = await recoder.recode(toStream(source.slice()), recoding, layerOf(UNKNOWN_SIZE));
    const inThread = recodeInThread(toStream(source.slice()), recoding);
    const bytes = await collect(inWorkers.stream);
    assert.equal(digestOf(await collect(inThread.stream)), digestOf(bytes), JSON.stringify(recoding));
    const { digest, size, uncompressed, annotations } = inWorkers.measured();
    assert.deepEqual(inThread.measured(), inWorkers.measured());
    assert.deepEqual({ digest, size }, { digest: digestOf(bytes), size: bytes.length });
    assert.deepEqual(uncompressed, { digest: digestOf(tar), size: tar.length });
    assert.equal(isZstdChunked(annotations), recoding.compress?.algorithm === "zstd:chunked");
    const algorithm = recoding.compress?.algorithm ?? "none";
    const plain = algorithm === "none"
      ? bytes
      : algorithm === "gzip"
      ? gunzipSync(bytes)
      : await collect(decompressStream(toStream(bytes), "zstd"));
    assert.equal(digestOf(plain), digestOf(tar));
  }
});

Deno.test("each file of a zstd:chunked layer can be read separately through the table of contents", async () => {
  const recoded = recodeInThread(toStream(ARCHIVE.tar.slice()), { compress: { algorithm: "zstd:chunked", level: 3 } });
  const layer = await collect(recoded.stream);
  const { annotations } = recoded.measured();
  const prefix = "io.github.containers.zstd-chunked.";
  const [offset, length, size, type] = annotations[`${prefix}manifest-position`]!.split(":").map(Number);
  const compressed = layer.subarray(offset!, offset! + length!);
  assert.equal(digestOf(compressed), annotations[`${prefix}manifest-checksum`]);
  const text = zstdDecompressSync(compressed);
  assert.deepEqual([text.length, type], [size, 1]);
  const toc = JSON.parse(new TextDecoder().decode(text));
  assert.equal(toc.version, 1);
  const read = (from: number, to: number) => collect(decompressStream(toStream(layer.slice(from, to)), "zstd"));
  for (const [name, content] of ARCHIVE.files) {
    const entries = toc.entries.filter((entry: { name: string }) => entry.name === name);
    const [first] = entries;
    assert.deepEqual([first.type, first.size ?? 0, first.digest], [
      "reg",
      content.length,
      content.length > 0 ? digestOf(content) : undefined,
    ]);
    if (content.length === 0) continue;
    assert.equal(digestOf(await read(first.offset, first.endOffset)), digestOf(content), name);
    const ends = [...entries.slice(1).map((entry: { offset: number }) => entry.offset), first.endOffset];
    for (const [i, chunk] of entries.entries()) {
      if (entries.length === 1) break;
      const bytes = await read(chunk.offset, ends[i]);
      assert.deepEqual([bytes.length, digestOf(bytes)], [chunk.chunkSize, chunk.chunkDigest]);
      assert.equal(chunk.chunkType === "zeros", bytes.every((byte) => byte === 0) && bytes.length >= 1024);
    }
  }
  const zeros = toc.entries.filter(({ chunkType }: { chunkType?: string }) => chunkType === "zeros");
  assert.deepEqual(zeros.map(({ chunkSize }: { chunkSize: number }) => chunkSize), [3000, 200_000]);
  // The footer, the last 64 bytes, has the same positions as the annotations.
  assert.equal(new TextDecoder().decode(layer.subarray(-8)), "GNUlInUx");
  const footer = new DataView(layer.buffer, layer.length - 64);
  assert.deepEqual([footer.getBigUint64(0, true), footer.getBigUint64(16, true)], [BigInt(offset!), BigInt(size!)]);
  const [splitAt, splitLength] = annotations[`${prefix}tarsplit-position`]!.split(":").map(Number);
  const split = layer.subarray(splitAt!, splitAt! + splitLength!);
  assert.equal(digestOf(split), toc.tarSplitDigest);
  assert.deepEqual(rebuild(zstdDecompressSync(split)), ARCHIVE.tar);
});

/** Restores the archive from the records of tar-split and the files. */
function rebuild(records: Uint8Array): Uint8Array {
  const lines = new TextDecoder().decode(records).trimEnd().split("\n").map((line) => JSON.parse(line));
  return concatBytes(
    lines.map(({ type, name, payload }) =>
      type === 1 ? ARCHIVE.files.get(name) ?? new Uint8Array() : Uint8Array.from(atob(payload), (c) => c.charCodeAt(0))
    ),
  );
}

Deno.test("a layer that cannot be recoded fails with a code, and its source is cancelled", async () => {
  const rows: [Uint8Array<ArrayBuffer>, Recoding, string][] = [
    [encodeUtf8("BZh91AY"), { decompress: "bzip2", compress: { algorithm: "gzip" } }, "COMPRESSION_NOT_SUPPORTED"],
    [encodeUtf8("no gzip"), { decompress: "gzip", compress: { algorithm: "zstd" } }, "ARCHIVE_INVALID"],
    [gzipSync("cut").slice(0, -3), { decompress: "gzip" }, "ARCHIVE_INVALID"],
    [encodeUtf8("no archive".repeat(99)), { compress: { algorithm: "zstd:chunked" } }, "COMPRESSION_NOT_SUPPORTED"],
    [ARCHIVE.tar.slice(0, 1000), { compress: { algorithm: "zstd:chunked" } }, "COMPRESSION_NOT_SUPPORTED"],
  ];
  for (const size of [10, UNKNOWN_SIZE]) {
    using recoder = createRecoder();
    for (const [bytes, recoding, code] of rows) {
      const run = async () => await collect((await recoder.recode(toStream(bytes), recoding, layerOf(size))).stream);
      await assert.rejects(run(), { code });
    }
  }
  assert.throws(() => parseAlgorithm("GZIP"), { code: "COMPRESSION_NOT_SUPPORTED" });
  assert.throws(() => parseAlgorithm("bzip2"), { code: "COMPRESSION_NOT_SUPPORTED" });
  for (const level of [-1, 10, 1.5]) assert.throws(() => runtimeLevel("gzip", level), RangeError);
  for (const level of [0, 23]) assert.throws(() => runtimeLevel("zstd", level), RangeError);
});

Deno.test("a failing source and a cancelling reader end the job", async () => {
  for (const algorithm of ["gzip", "zstd", "zstd:chunked"] as const) {
    using recoder = createRecoder();
    let cancelled = 0, sent = 0;
    const endless = (fails: boolean): ByteStream =>
      new ReadableStream({
        start: (controller) =>
          controller.enqueue(encodeTarHeader({ name: "endless", type: "file", size: Number.MAX_SAFE_INTEGER })),
        pull(controller) {
          if (fails && ++sent > 40) throw new RangeError("the source broke");
          controller.enqueue(noise(65_536));
        },
        cancel: () => void cancelled++,
      }, { highWaterMark: 0 });
    const failing = await recoder.recode(endless(true), { compress: { algorithm } }, layerOf(UNKNOWN_SIZE));
    await assert.rejects(collect(failing.stream), /the source broke/);
    const left = await recoder.recode(endless(false), { compress: { algorithm } }, layerOf(UNKNOWN_SIZE));
    const reader = left.stream.getReader();
    await reader.read();
    await reader.cancel();
    assert.equal(cancelled, 1, algorithm);
    // Cancelling must not wait for a source that returns nothing.
    const silent = new ReadableStream({ cancel: () => void cancelled++ }, { highWaterMark: 0 });
    const stalled = await recoder.recode(silent, { compress: { algorithm } }, layerOf(UNKNOWN_SIZE));
    const waiting = stalled.stream.getReader();
    const read = waiting.read();
    await Promise.all([read, waiting.cancel()]);
    assert.equal(cancelled, 2, algorithm);
  }
});

Deno.test("if workers may not be loaded, this thread recodes without a permission prompt", async () => {
  const code = `
    import { createRecoder } from "./src/copy/recoding/mod.ts";
    using recoder = createRecoder();
    const bytes = new Uint8Array(2_000_000);
    const { stream } = await recoder.recode(new Blob([bytes]).stream(), { compress: { algorithm: "zstd" } }, { digest: "sha256:x", size: -1 });
    console.log((await new Response(stream).bytes()).length > 0);`;
  const root = new URL("../../", import.meta.url);
  const args = ["run", "--no-prompt", "--no-check", "--ext=ts", "-"];
  const child = new Deno.Command(Deno.execPath(), { args, cwd: root, stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(encodeUtf8(code));
  await writer.close();
  const { stdout, stderr } = await child.output();
  assert.deepEqual([new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)], ["true\n", ""]);
});

Deno.test("annotations about compressed bytes are distinguished from others", () => {
  const annotations = {
    "io.github.containers.zstd-chunked.manifest-checksum": "x",
    "io.github.containers.zstd-chunked.tarsplit-checksum": "x",
    "containerd.io/snapshot/stargz/toc.digest": "x",
    "org.example": "kept",
  };
  assert.deepEqual(withoutChunkedAnnotations(annotations), { "org.example": "kept" });
  assert.ok(isZstdChunked(annotations));
  assert.ok(!isZstdChunked({ "org.example": "kept" }));
});

/** A worker that fails during its first job. */
function startMortal(): RecodingWorker {
  const source = 'self.onmessage = () => { throw new Error("died"); };';
  return new RecodingWorker(new Worker(`data:text/javascript,${encodeURIComponent(source)}`, { type: "module" }));
}

Deno.test("a failed worker gets no more layers; without other workers, this thread compresses them", async () => {
  const bytes = noise(600_000);
  for (const others of [0, 1]) {
    using recoder = createRecoder(async () => [startMortal(), ...await openWorkers(others)]);
    const recode = async (algorithm: "gzip" | "zstd") => {
      const { stream } = await recoder.recode(toStream(bytes), { compress: { algorithm } }, layerOf(bytes.length));
      return await collect(stream);
    };
    await assert.rejects(recode("zstd"), /died/);
    assert.deepEqual(new Uint8Array(zstdDecompressSync(await recode("zstd"))), bytes);
    assert.deepEqual(new Uint8Array(gunzipSync(await recode("gzip"))), bytes);
  }
});
