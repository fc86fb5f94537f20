/** The stand-ins for `@std` do what the real packages document. */
import assert from "node:assert/strict";
import { delay } from "@std/async";
import { ensureDir, exists } from "@std/fs";
import { basename, dirname, fromFileUrl, isAbsolute, join, resolve } from "@std/path";
import { toArrayBuffer, toText } from "@std/streams";
import { spy } from "@std/testing/mock";

Deno.test("@std/async: delay() waits and gives up with the signal's reason", async () => {
  await delay(1);
  await assert.rejects(delay(60_000, { signal: AbortSignal.abort("no") }), (reason) => reason === "no");
  const abort = new AbortController();
  const waiting = delay(60_000, { signal: abort.signal });
  abort.abort("later");
  await assert.rejects(waiting, (reason) => reason === "later");
});

Deno.test("@std/fs and @std/path work on real folders", async () => {
  assert.equal(fromFileUrl("file:///a%20b/c"), "/a b/c");
  const folder = await Deno.makeTempDir();
  const deep = join(folder, "a", "b");
  assert.equal(await exists(deep), false);
  await ensureDir(deep);
  await ensureDir(deep);
  assert.equal(await exists(deep), true);
  assert.deepEqual([basename(deep), basename(dirname(deep)), isAbsolute(deep), resolve(deep, "..", "c")], [
    "b",
    "a",
    true,
    join(folder, "a", "c"),
  ]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("@std/streams and @std/testing", async () => {
  const bytes = new TextEncoder().encode("héllo");
  assert.deepEqual(new Uint8Array(await toArrayBuffer(new Blob([bytes]).stream())), bytes);
  assert.equal(await toText(new Blob([bytes]).stream()), "héllo");
  const add = spy((a: number, b: number) => a + b);
  assert.equal(add(1, 2), 3);
  assert.deepEqual(add.calls.map(({ args }) => args), [[1, 2]]);
});
