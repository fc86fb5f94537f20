import assert from "node:assert/strict";
import { type ByteStream, mapStream } from "../../src/internal/room.ts";

/** A source that never has a chunk, and says when it is cancelled. */
function createStalled(): { stream: ByteStream; cancelled: Promise<unknown> } {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  return { stream: new ReadableStream({ cancel: resolve }), cancelled: promise };
}

Deno.test("mapStream() ends a read that waits when the signal aborts, and cancels the source", async () => {
  const { stream, cancelled } = createStalled();
  const abort = new AbortController();
  const reading = mapStream(stream, { signal: abort.signal }).getReader().read();
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
