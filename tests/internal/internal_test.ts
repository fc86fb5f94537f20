import assert from "node:assert/strict";
import {
  allOrAbort,
  compareUtf8,
  decodeBase64,
  encodeBase64,
  OncePerKey,
  readChunks,
  readStream,
  Semaphore,
  toStream,
} from "../../src/internal/room.ts";

Deno.test("Semaphore gives out its permits in order of arrival", async () => {
  const semaphore = new Semaphore(2);
  const order: string[] = [];
  const first = await semaphore.acquire();
  const second = await semaphore.acquire();
  const third = semaphore.acquire().then((permit) => (order.push("third"), permit));
  const fourth = semaphore.acquire().then((permit) => (order.push("fourth"), permit));
  await Promise.resolve();
  assert.deepEqual(order, []);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  (await third)[Symbol.dispose]();
  second[Symbol.dispose]();
  (await fourth)[Symbol.dispose]();
  assert.deepEqual(order, ["third", "fourth"]);
});

Deno.test("Semaphore forgets aborted waits", async () => {
  const semaphore = new Semaphore(1);
  const permit = await semaphore.acquire();
  const abort = new AbortController();
  const waiting = semaphore.acquire(abort.signal);
  abort.abort("enough");
  await assert.rejects(waiting, (reason) => reason === "enough");
  permit[Symbol.dispose]();
  (await semaphore.acquire())[Symbol.dispose]();
  assert.throws(() => new Semaphore(0), RangeError);
});

Deno.test("allOrAbort() aborts the other tasks, waits for them, and reports the first failure", async () => {
  let ended = 0;
  const slow = (signal: AbortSignal) =>
    new Promise<void>((_, reject) =>
      signal.addEventListener("abort", () => queueMicrotask(() => (ended++, reject(new Error("aborted")))))
    );
  await assert.rejects(allOrAbort([slow, () => Promise.reject(new Error("first")), slow]), /first/);
  assert.equal(ended, 2);
  assert.deepEqual(await allOrAbort([() => Promise.resolve(1), () => Promise.resolve(2)]), [1, 2]);
  await assert.rejects(allOrAbort([slow], AbortSignal.abort("no")), (reason) => reason === "no");
});

Deno.test("OncePerKey runs work once for each key, and again after a failure", async () => {
  const once = new OncePerKey<string, number>();
  let calls = 0;
  const work = () => Promise.resolve(++calls);
  assert.deepEqual(await Promise.all([once.get("a", work), once.get("a", work), once.get("b", work)]), [1, 1, 2]);
  await assert.rejects(once.get("c", () => Promise.reject(new Error("no"))));
  assert.equal(await once.get("c", work), 3);
});

Deno.test("readChunks() reads byte streams and other streams, and cancels the rest", async () => {
  let cancelled = 0;
  const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.enqueue(new Uint8Array(3)),
    cancel: () => void cancelled++,
  });
  for await (const chunk of readChunks(endless)) {
    assert.equal(chunk.length, 3);
    break;
  }
  assert.equal(cancelled, 1);
  const bytes = new Uint8Array(1000).fill(7);
  const body = new Blob([bytes]).stream() as ReadableStream<Uint8Array<ArrayBuffer>>;
  assert.deepEqual(await readStream(body, 1000), bytes);
  assert.equal(await readStream(toStream(bytes), 999), undefined);
  assert.deepEqual(await readStream(toStream(new Uint8Array()), 0), new Uint8Array());
});

Deno.test("base64 and UTF-8 order", () => {
  const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i);
  assert.deepEqual(decodeBase64(encodeBase64(bytes)), bytes);
  assert.equal(decodeBase64("%%"), undefined);
  const words = ["", "a", "ab", "b", "é", "\uffff", "😀", "😁"];
  assert.deepEqual(words.toReversed().sort(compareUtf8), words);
});
