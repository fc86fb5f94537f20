import assert from "node:assert/strict";
import { type ByteStream, mapStream } from "../../src/internal/room.ts";

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
