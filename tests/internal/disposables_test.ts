import assert from "node:assert/strict";
import { Disposables, groupBy } from "../../src/internal/room.ts";

Deno.test("resources are disposed of in reverse order, also if one of them fails", async () => {
  const log: string[] = [];
  const held = new Disposables();
  held.use({ [Symbol.dispose]: () => void log.push("first") });
  held.use({ [Symbol.asyncDispose]: () => Promise.reject(new Error("second")) });
  const third = { [Symbol.asyncDispose]: () => Promise.resolve(void log.push("third")) };
  assert.equal(held.use(third), third);
  await assert.rejects(held[Symbol.asyncDispose](), /^Error: second$/);
  assert.deepEqual(log, ["third", "first"]);
  await held[Symbol.asyncDispose]();
  assert.equal(log.length, 2);
});

Deno.test("groupBy() keeps the order of first items", () => {
  assert.deepEqual([...groupBy(["b1", "a1", "b2"], (text) => text[0])], [["b", ["b1", "b2"]], ["a", ["a1"]]]);
});
