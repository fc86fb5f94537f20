import assert from "node:assert/strict";
import { type ByteStream, createStream, mapStream, openReader, readChunks } from "../../src/internal/room.ts";

/** A source that never has a chunk, and reports when it is read and when it is cancelled. */
function createStalled() {
  const read = Promise.withResolvers<void>(), cancelled = Promise.withResolvers<unknown>();
  const pull = () => {
    read.resolve();
    return new Promise<void>(() => {});
  };
  const stream: ByteStream = new ReadableStream({ pull, cancel: cancelled.resolve }, { highWaterMark: 0 });
  return { stream, read: read.promise, cancelled: cancelled.promise };
}

Deno.test("mapStream() ends a read that waits when the signal aborts, and cancels the source", async () => {
  const { stream, read, cancelled } = createStalled();
  const abort = new AbortController();
  const reading = mapStream(stream, { signal: abort.signal }).getReader().read();
  await read;
  abort.abort("enough");
  await assert.rejects(reading, (reason) => reason === "enough");
  assert.equal(await cancelled, "enough");
});

Deno.test("mapStream() reads nothing after the signal has aborted", async () => {
  const { stream, cancelled } = createStalled();
  const reading = mapStream(stream, { signal: AbortSignal.abort("enough") }).getReader().read();
  await assert.rejects(reading, (reason) => reason === "enough");
  assert.equal(await cancelled, "enough");
});

Deno.test("mapStream() fails with the given error when the source stalls, and cancels the source", async () => {
  const { stream, cancelled } = createStalled();
  const error = new Error("stalled");
  const reading = mapStream(stream, { timeout: { milliseconds: 1, error: () => error } }).getReader().read();
  await assert.rejects(reading, (reason) => reason === error);
  assert.equal(await cancelled, error);
});

Deno.test("mapStream() calls no hook for a read that a cancel ends", async () => {
  for (const type of [undefined, "bytes"] as const) {
    const waits = Promise.withResolvers<void>();
    const pull = () => {
      waits.resolve();
      return new Promise<void>(() => {});
    };
    const source = (type ? new ReadableStream({ type, pull }) : new ReadableStream({ pull })) as ByteStream;
    const called: string[] = [];
    const reader = openReader(mapStream(source, {
      chunk: () => void called.push("chunk"),
      end: () => void called.push("end"),
    }));
    const reading = reader.read();
    await waits.promise;
    await reader.cancel("enough");
    assert.equal(await reading, undefined);
    assert.deepEqual(called, []);
  }
});

/** A byte stream of ten chunks, each filled with its number, whose readers give it their buffers. */
function createNumbered(): ByteStream {
  let next = 0;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      const request = controller.byobRequest!;
      const { byteLength, byteOffset, buffer } = request.view!;
      const ended = next === 10;
      if (ended) controller.close();
      else new Uint8Array(buffer, byteOffset, byteLength).fill(next++);
      request.respond(ended ? 0 : byteLength);
    },
  });
}

Deno.test("a chunk is overwritten only after the reader's caller has handed it back", async () => {
  const kept: Uint8Array[] = [];
  const reader = openReader(mapStream(createNumbered(), {}));
  for (let chunk; (chunk = await reader.read());) kept.push(chunk);
  assert.deepEqual(kept.map((chunk) => chunk[0]), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);

  const spare = openReader(mapStream(createNumbered(), {}));
  const seen: number[] = [];
  let reused = 0;
  let before: Uint8Array<ArrayBuffer> | undefined;
  for (let chunk; (chunk = await spare.read(before)); before = chunk) {
    // The buffer of a chunk that is overwritten moves to the new chunk.
    if (before?.buffer.detached) reused++;
    seen.push(chunk[0]!);
  }
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.ok(reused > 0);
});

Deno.test("readChunks() uses the buffers of chunks again only if it is told so", async () => {
  const kept: Uint8Array[] = [];
  for await (const chunk of readChunks(createNumbered())) kept.push(chunk);
  assert.deepEqual(kept.map((chunk) => chunk[0]), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);

  const seen: Uint8Array<ArrayBuffer>[] = [];
  const numbers: number[] = [];
  for await (const chunk of readChunks(createNumbered(), { reuses: true })) {
    seen.push(chunk);
    numbers.push(chunk[0]!);
  }
  assert.deepEqual(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.ok(seen.some(({ buffer }) => buffer.detached));
});

Deno.test("a chunk that a hook keeps is not overwritten by the same read", async () => {
  let next = 0;
  const source = createStream((spare) => {
    if (next === 10) return Promise.resolve(undefined);
    return Promise.resolve((spare ?? new Uint8Array(4)).fill(next++));
  }, () => Promise.resolve());
  const kept: Uint8Array<ArrayBuffer>[] = [];
  // Passes on two chunks, then keeps two.
  const reader = openReader(mapStream(source, {
    chunk(bytes) {
      if (bytes[0]! % 4 < 2) return bytes;
      kept.push(bytes);
      return undefined;
    },
  }));
  for (let chunk; (chunk = await reader.read(chunk)););
  assert.deepEqual(kept.map((chunk) => chunk[0]), [2, 3, 6, 7]);
});

Deno.test("a reader does not overwrite chunks of another stream", async () => {
  const foreign = new Uint8Array(8 * 1024).fill(99);
  const reader = openReader(mapStream(createNumbered(), {}));
  await reader.read(foreign);
  assert.equal(foreign.buffer.detached, false);
  await reader.cancel();

  // A source that continues another one gets none of its chunks.
  let isFirst = true;
  const first = createStream(() => {
    const chunk = isFirst ? foreign : undefined;
    isFirst = false;
    return Promise.resolve(chunk);
  }, () => Promise.resolve());
  let resumed = false;
  const joined = openReader(mapStream(first, {
    resume() {
      const next = resumed ? undefined : createNumbered();
      resumed = true;
      return Promise.resolve(next);
    },
  }));
  let spare: Uint8Array<ArrayBuffer> | undefined;
  for (let chunk; (chunk = await joined.read(spare));) spare = chunk;
  assert.deepEqual([foreign[0], foreign.length], [99, 8 * 1024]);
});
