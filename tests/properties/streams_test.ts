/** Streams whose buffers are used again: every consumer gets the bytes of the source, also if one transfer is cut and resumed. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type ByteStream, concatBytes, createStream, mapStream, openReader } from "../../src/internal/room.ts";
import { verifyBlob } from "../../src/spec/room.ts";
import { describe } from "../support/images.ts";

const BLOB = new Uint8Array(4000).map((_, i) => i * 7 + (i >> 8));
const DESCRIPTOR = describe("m", BLOB);

/** Sizes of chunks, which repeat. */
const sizes = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 8 });

/** Runs other tasks a few times, as a slow consumer or source does. */
async function wait(turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) await Promise.resolve();
}

/** A source that overwrites each chunk that it gets back before it makes the next one. It fails at the end `cut`. */
function createSource(start: number, chunks: readonly number[], turns: number, cut = Infinity): ByteStream {
  let at = start, i = 0;
  const own = new WeakSet<ArrayBuffer>();
  return createStream(async (spare) => {
    await wait(turns);
    if (at >= cut) throw new Error("cut");
    const size = Math.min(chunks[i++ % chunks.length]!, BLOB.length - at, cut - at);
    if (size === 0) return undefined;
    const buffer = spare && own.has(spare.buffer) ? spare.buffer : new ArrayBuffer(1000);
    own.add(buffer);
    new Uint8Array(buffer).fill(255);
    const chunk = new Uint8Array(buffer, 0, size);
    chunk.set(BLOB.subarray(at, at += size));
    return chunk;
  }, () => Promise.resolve());
}

/** Reads with a reader; with `gives`, each chunk is given back for the next one. */
async function readWith(stream: ByteStream, turns: number, gives: boolean) {
  const reader = openReader(stream);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let spare: Uint8Array<ArrayBuffer> | undefined;
  for (let chunk; (chunk = await reader.read(spare));) {
    await wait(turns);
    parts.push(gives ? chunk.slice() : chunk);
    if (gives) spare = chunk;
  }
  return concatBytes(parts);
}

async function readAll(stream: ReadableStream<Uint8Array<ArrayBuffer>>, turns: number) {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of stream) {
    parts.push(chunk);
    await wait(turns);
  }
  return concatBytes(parts);
}

const consumers: Record<string, (stream: ByteStream, turns: number) => Promise<Uint8Array[]>> = {
  "a reader that gives chunks back": async (stream, turns) => [await readWith(stream, turns, true)],
  "a reader that keeps chunks": async (stream, turns) => [await readWith(stream, turns, false)],
  "an iteration": async (stream, turns) => [await readAll(stream, turns)],
  "two branches": async (stream, turns) => {
    const [a, b] = stream.tee();
    return await Promise.all([readAll(a, turns), readAll(b, 3 * turns)]);
  },
  "a pipe": async (stream, turns) => [await readAll(stream.pipeThrough(new TransformStream()), turns)],
};

for (const [name, consume] of Object.entries(consumers)) {
  Deno.test(`no byte is overwritten before it is used: ${name}`, async () => {
    const turns = fc.nat(4), cut = fc.nat(BLOB.length - 1), back = fc.nat(500);
    await fc.assert(fc.asyncProperty(sizes, turns, turns, cut, back, async (chunks, source, consumer, cut, back) => {
      let position = 0, skip = 0, isCut = false;
      // Resumed as a download is: some bytes arrive again and are skipped.
      const resumed = mapStream(createSource(0, chunks, source, cut), {
        chunk(bytes) {
          const fresh = bytes.subarray(Math.min(skip, bytes.length));
          skip -= bytes.length - fresh.length;
          position += fresh.length;
          return fresh;
        },
        async resume(failure) {
          await wait(consumer);
          if (isCut || !failure) return undefined;
          isCut = true;
          const start = Math.max(0, position - back);
          skip = position - start;
          return createSource(start, chunks.toReversed(), source);
        },
      });
      for (const read of await consume(verifyBlob(resumed, DESCRIPTOR), consumer)) assert.deepEqual(read, BLOB);
    }));
  });
}
