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

/** A file on a disk that needs a millisecond for each byte, and the calls that it gets. */
function createSlowFile(options: { syncs?: boolean } = {}) {
  const calls: string[] = [];
  const disk = { time: 0, perByte: 1, calls, sync: () => Promise.resolve() };
  const record = (call: string, length: number) => {
    calls.push(call);
    disk.time += length * disk.perByte;
    return length;
  };
  const file = {
    writeSync({ length }: Uint8Array) {
      record(`sync ${length}`, length);
      return Math.ceil(length / 2);
    },
    write: ({ length }: Uint8Array) => Promise.resolve(record(`async ${length}`, length)),
    syncData: () => {
      calls.push("to the disk");
      return disk.sync();
    },
  };
  return { disk, writer: new FileWriter(file, { ...options, now: () => disk.time }) };
}

Deno.test("a file is written in this thread unless the write before was slow", async () => {
  const { disk, writer } = createSlowFile();
  for (const length of [1, 8, 12, 1, 1]) await writer.write(new Uint8Array(length));
  // A write in this thread takes only half of the bytes.
  const first = ["sync 1", "sync 8", "sync 4", "sync 2", "sync 1"];
  assert.deepEqual(disk.calls, [...first, "async 12", "async 1", "sync 1"]);
});

Deno.test("a long file is synced while it is written, one sync at a time", async () => {
  const { disk, writer } = createSlowFile();
  disk.perByte = 0;
  const syncs = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let count = 0;
  disk.sync = () => syncs[count++]!.promise;
  const write = (size: number) => writer.write(new Uint8Array(size));
  for (let i = 0; i < 2; i++) await write(15 * MIB);
  assert.equal(count, 1);
  await write(17 * MIB);
  assert.equal(count, 1);
  syncs[0]!.resolve();
  await writer.settle();
  await write(17 * MIB);
  assert.equal(count, 2);
  let isSettled = false;
  const settled = writer.settle().then(() => isSettled = true);
  await Promise.resolve();
  assert.equal(isSettled, false);
  syncs[1]!.resolve();
  await settled;
});

Deno.test("a file that need not survive a crash is not synced", async () => {
  const { disk, writer } = createSlowFile({ syncs: false });
  disk.perByte = 0;
  for (let i = 0; i < 2; i++) await writer.write(new Uint8Array(16 * MIB));
  await writer.settle();
  assert.ok(!disk.calls.includes("to the disk"));
});

Deno.test("bytes that a sync loses are reported by every later call, because the system reports them once", async () => {
  const { disk, writer } = createSlowFile();
  disk.perByte = 0;
  const lost = new Error("EIO: input/output error");
  disk.sync = () => Promise.reject(lost);
  await writer.write(new Uint8Array(16 * MIB));
  await assert.rejects(writer.settle(), lost);
  await assert.rejects(writer.write(new Uint8Array(1)), lost);
  await assert.rejects(writer.settle(), lost);
});
