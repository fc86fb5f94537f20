import assert from "node:assert/strict";
import { abortable, allOrAbort, joinSignals, Semaphore } from "../../src/internal/room.ts";
import { abortOnWait } from "../support/timers.ts";

/** A signal that counts its listeners. */
function createCountedSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  const counts = { added: 0, present: 0, most: 0 };
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    counts.added++;
    counts.most = Math.max(counts.most, ++counts.present);
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    counts.present--;
    remove(...args);
  };
  return { controller, signal, counts };
}

Deno.test("thousands of tasks that wait for one signal share its only listener, which ends with them", async () => {
  const { signal, counts } = createCountedSignal();
  const slots = new Semaphore(8);
  const gate = Promise.withResolvers<void>();
  const waits = Array.from({ length: 4000 }, () => slots.run(() => gate.promise, signal));
  const reads = Array.from({ length: 1000 }, () => abortable(gate.promise, signal));
  const joined = Array.from({ length: 1000 }, () => joinSignals(signal));
  gate.resolve();
  await Promise.all([...waits, ...reads]);
  for (const one of joined) one[Symbol.dispose]();
  assert.deepEqual(counts, { added: 1, present: 0, most: 1 });
  // The next one to wait listens again.
  await abortable(Promise.resolve(), signal);
  assert.deepEqual(counts, { added: 2, present: 0, most: 1 });
});

Deno.test("an abort reaches each task that waits for it, and not those that have ended", async () => {
  const { controller, signal } = createCountedSignal();
  const slots = new Semaphore(1);
  const permit = await slots.acquire(signal);
  const waits = Array.from({ length: 5 }, () => slots.acquire(signal));
  const last = slots.acquire();
  using joined = joinSignals(signal);
  const ended = joinSignals(signal);
  ended[Symbol.dispose]();
  controller.abort("enough");
  const results = await Promise.allSettled(waits);
  assert.deepEqual(results.map((result) => result.status === "rejected" && result.reason), Array(5).fill("enough"));
  assert.deepEqual([joined.signal.aborted, joined.signal.reason, ended.signal.aborted], [true, "enough", false]);
  permit[Symbol.dispose]();
  (await last)[Symbol.dispose]();
});

Deno.test("a semaphore keeps the order of many waits, also while new ones arrive", async () => {
  const slots = new Semaphore(1);
  const order: number[] = [];
  await allOrAbort(Array.from({ length: 3000 }, (_, i) => async (signal: AbortSignal) => {
    await slots.run(() => Promise.resolve(void order.push(i)), signal);
    if (i < 1000) await slots.run(() => Promise.resolve(void order.push(3000 + i)), signal);
  }));
  assert.deepEqual(order, Array.from({ length: 4000 }, (_, i) => i));
});

Deno.test("a signal that aborts while it gets its listener is not missed", async () => {
  await assert.rejects(abortable(new Promise(() => {}), abortOnWait()), { name: "TimeoutError" });
});
