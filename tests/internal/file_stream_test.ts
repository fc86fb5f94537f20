/** Tests streams of files, and writes to them. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { FileWriter, openFileStream, writeStream } from "../../src/internal/host/room.ts";
import { createStream, openReader } from "../../src/internal/room.ts";
import { folderTest } from "../support/folders.ts";

const MIB = 1024 * 1024;

/** Bytes of which each differs from those near it. */
const CONTENT = new Uint8Array(3 * MIB + 5).map((_, i) => i * 31 + (i >> 8));

folderTest(
  "a file is read with one buffer if each chunk is given back, and with new ones otherwise",
  async (folder) => {
    const path = join(folder, "file");
    await Deno.writeFile(path, CONTENT);
    for (const givesBack of [true, false]) {
      const reader = openReader(await openFileStream(path));
      const buffers = new Set<ArrayBuffer>();
      let at = 0;
      for (let chunk; (chunk = await reader.read(givesBack ? chunk : undefined));) {
        assert.deepEqual(chunk, CONTENT.subarray(at, at += chunk.length));
        buffers.add(chunk.buffer);
      }
      assert.equal(at, CONTENT.length);
      assert.equal(buffers.size === 1, givesBack);
      reader.release();
    }
  },
);

folderTest("a file does not overwrite chunks of another source, and is closed when it is cancelled", async (folder) => {
  const path = join(folder, "file");
  await Deno.writeFile(path, CONTENT);
  const stream = await openFileStream(path);
  const reader = openReader(stream);
  const foreign = new Uint8Array(128 * 1024);
  assert.notEqual((await reader.read(foreign))!.buffer, foreign.buffer);
  // The sanitizers report a file that stays open.
  await reader.cancel();
  reader.release();
});

folderTest("a stream is copied between files, although its buffers are used again", async (folder) => {
  await Deno.writeFile(join(folder, "from"), CONTENT);
  {
    using file = await Deno.create(join(folder, "to"));
    const writer = new FileWriter(file);
    await writeStream(await openFileStream(join(folder, "from")), (bytes) => writer.write(bytes));
  }
  assert.deepEqual(await Deno.readFile(join(folder, "to")), CONTENT);
});

Deno.test("a write that fails, or an abort during a read, cancels the source", async () => {
  const causes: unknown[] = [];
  const create = (read: () => Promise<Uint8Array<ArrayBuffer>>) =>
    createStream(read, (cause) => Promise.resolve(void causes.push(cause)));
  const full = new Error("disk full");
  const chunks = create(() => Promise.resolve(new Uint8Array(1)));
  await assert.rejects(writeStream(chunks, () => Promise.reject(full)), full);
  const abort = new AbortController();
  const writing = writeStream(create(() => new Promise(() => {})), () => Promise.resolve(), abort.signal);
  const reason = new Error("enough");
  abort.abort(reason);
  await assert.rejects(writing, reason);
  assert.deepEqual([...new Set(causes)], [full, reason]);
});

Deno.test("a file is written in this thread until that blocks it", async () => {
  let time = 0;
  const calls: string[] = [];
  const file = {
    writeSync(bytes: Uint8Array) {
      calls.push(`sync ${bytes.length}`);
      time += bytes.length;
      // Only a part is written.
      return Math.min(bytes.length, 2);
    },
    write(bytes: Uint8Array) {
      calls.push(`async ${bytes.length}`);
      return Promise.resolve(bytes.length);
    },
  };
  const writer = new FileWriter(file, () => time);
  for (const length of [1, 3, 1]) await writer.write(new Uint8Array(length));
  assert.deepEqual(calls, ["sync 1", "sync 3", "sync 1", "async 1"]);
});
