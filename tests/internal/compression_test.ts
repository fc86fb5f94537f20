import assert from "node:assert/strict";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { digestOf } from "../../src/spec/room.ts";
import {
  BlockDeflater,
  type Compression,
  CompressionError,
  compressStream,
  decompressStream,
  type Deflate,
  detectCompression,
  gzipStream,
  peekCompression,
} from "../../src/internal/compression/room.ts";
import { type ByteStream, concatBytes, encodeUtf8, readChunks } from "../../src/internal/room.ts";

/** Returns a stream of bytes in chunks of a size. */
function streamIn(bytes: Uint8Array, size: number, onCancel = () => {}): ByteStream {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
    cancel: onCancel,
  }, { highWaterMark: 0 });
}

const collect = async (stream: ByteStream) => concatBytes(await Array.fromAsync(readChunks(stream)));

const zstd = (text: string, checksum = 1) => zstdCompressSync(encodeUtf8(text), { params: { 201: checksum } });
const SKIPPABLE = concatBytes([new Uint8Array([0x5f, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]), encodeUtf8("12345")]);

const STREAMS: [string, Compression, Uint8Array, string][] = [
  ["gzip", "gzip", gzipSync("hello"), "hello"],
  ["gzip of two members", "gzip", concatBytes([gzipSync("hello "), gzipSync("world")]), "hello world"],
  ["zstd", "zstd", zstd("hello"), "hello"],
  ["zstd without checksum", "zstd", zstd("hello", 0), "hello"],
  ["zstd of several frames", "zstd", concatBytes([zstd("a"), zstd("b", 0), zstd(""), zstd("c")]), "abc"],
  ["zstd with frames to skip", "zstd", concatBytes([SKIPPABLE, zstd("a"), SKIPPABLE, zstd("b"), SKIPPABLE]), "ab"],
  ["zstd of a run", "zstd", zstd("z".repeat(1_000_000)), "z".repeat(1_000_000)],
];

for (const [name, compression, bytes, text] of STREAMS) {
  Deno.test(`decompressStream() reads ${name}, however it arrives`, async () => {
    for (const size of [1, 2, 3, 5, 7, 1000, 1 << 20]) {
      const out = await collect(decompressStream(streamIn(bytes, size), compression));
      assert.ok(new TextDecoder().decode(out) === text, `in pieces of ${size}`);
    }
  });

  Deno.test(`decompressStream() refuses ${name} that is cut, or followed by something else`, async () => {
    const cut = bytes.length - (name.includes("to skip") ? 2 : 1);
    for (const broken of [bytes.subarray(0, cut), concatBytes([bytes, encodeUtf8("something else")])]) {
      for (const size of [1, 1 << 20]) {
        await assert.rejects(collect(decompressStream(streamIn(broken, size), compression)), CompressionError);
      }
    }
  });
}

Deno.test("decompressStream() rejects corrupt content and unsupported compressions", async () => {
  const bytes = gzipSync("hello hello hello");
  bytes[bytes.length - 6]! ^= 1;
  await assert.rejects(collect(decompressStream(streamIn(bytes, 4), "gzip")), CompressionError);
  for (const compression of ["bzip2", "Xz"] as const) {
    assert.throws(() => decompressStream(streamIn(bytes, 4), compression), CompressionError);
  }
});

Deno.test("other implementations read the output of compressStream(), for any content in any chunks", async () => {
  const anything = fc.record({
    parts: fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 20 }),
    size: fc.integer({ min: 1, max: 10_000 }),
    algorithm: fc.constantFrom("gzip" as const, "zstd" as const),
    level: fc.constantFrom(undefined, 1, 9),
  });
  await fc.assert(
    fc.asyncProperty(anything, async ({ parts, size, algorithm, level }) => {
      const bytes = concatBytes(parts);
      const compressed = await collect(compressStream(streamIn(bytes, size), { algorithm, level }));
      assert.equal(detectCompression(compressed), algorithm);
      const back = algorithm === "gzip" ? gunzipSync(compressed) : zstdDecompressSync(compressed);
      assert.deepEqual(new Uint8Array(back), bytes);
      assert.deepEqual(await collect(decompressStream(streamIn(compressed, size), algorithm)), bytes);
    }),
    { numRuns: 40 },
  );
});

Deno.test("peekCompression() detects the compression and keeps the whole stream", async () => {
  const cases: [Uint8Array, Compression | undefined][] = [
    [gzipSync("x"), "gzip"],
    [zstd("x"), "zstd"],
    [encodeUtf8("BZh91AY"), "bzip2"],
    [new Uint8Array([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0]), "Xz"],
    [encodeUtf8("plain text"), undefined],
    [new Uint8Array([0x1f]), undefined],
    [new Uint8Array(), undefined],
  ];
  for (const [bytes, expected] of cases) {
    for (const size of [1, 2, 100]) {
      const { compression, stream } = await peekCompression(streamIn(bytes, size));
      assert.equal(compression, expected);
      assert.deepEqual(await collect(stream), new Uint8Array(bytes));
    }
  }
});

Deno.test("a cancel reaches the source, and a failure reaches the consumer", async () => {
  const noise = crypto.getRandomValues(new Uint8Array(60_000));
  let cancelled = 0;
  const source = streamIn(concatBytes([noise, noise, noise]), 1000, () => cancelled++);
  const { stream } = await peekCompression(source);
  const reader = compressStream(stream, { algorithm: "gzip" }).getReader();
  await reader.read();
  await reader.cancel();
  assert.equal(cancelled, 1);
  const failing: ByteStream = new ReadableStream({
    pull() {
      throw new RangeError("the source broke");
    },
  }, { highWaterMark: 0 });
  await assert.rejects(collect(compressStream(failing, { algorithm: "zstd" })), RangeError);
});

Deno.test("gzipStream() writes the same bytes for any number and order of concurrent blocks", async () => {
  const text = encodeUtf8("several blocks, none of which knows of another ".repeat(40_000));
  let underWay = 0, most = 0;
  const held: (() => void)[] = [];
  using deflater = new BlockDeflater();
  const backwards: Deflate = async (block) => {
    most = Math.max(most, ++underWay);
    if (held.length < 2 && block.bytes.length === 512 * 1024) {
      await new Promise<void>((resolve) => held.push(resolve));
    } else for (const release of held.reverse().splice(0)) release();
    underWay--;
    return await deflater.deflate(block);
  };
  const alone = await collect(gzipStream(streamIn(text, 10_007)));
  assert.deepEqual(await collect(gzipStream(streamIn(text, 65_536), { deflate: backwards, ahead: 3 })), alone);
  assert.equal(most, 3);
  assert.deepEqual(new Uint8Array(gunzipSync(alone)), text);
});

Deno.test("gzipStream() stores incompressible content, and gunzip reads it", async () => {
  const noise = new Uint8Array(1_200_000);
  for (let i = 0; i < noise.length; i += 60_000) crypto.getRandomValues(noise.subarray(i, i + 60_000));
  const stored = await collect(gzipStream(streamIn(noise, 70_000)));
  assert.ok(stored.length > noise.length && stored.length < noise.length + 300, `${stored.length}`);
  assert.ok(digestOf(gunzipSync(stored)) === digestOf(noise));
  const mixed = noise.map((byte, i) => i % 4096 < 2048 ? byte : 0);
  const compressed = await collect(gzipStream(streamIn(mixed, 70_000)));
  assert.ok(compressed.length < mixed.length * 0.6);
  assert.ok(digestOf(gunzipSync(compressed)) === digestOf(mixed));
});

Deno.test("gzipStream() cancels its source if a block cannot be compressed", async () => {
  let cancelled = 0;
  const source = streamIn(new Uint8Array(2 << 20), 65_536, () => cancelled++);
  const deflate = () => Promise.reject(new RangeError("no"));
  await assert.rejects(collect(gzipStream(source, { deflate, ahead: 2 })), RangeError);
  assert.equal(cancelled, 1);
  for (const level of [-1, 10, 1.5]) {
    assert.throws(() => gzipStream(streamIn(new Uint8Array(), 1), { level }), RangeError);
  }
});
