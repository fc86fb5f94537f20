/** Functions of libc, called directly. */
import assert from "node:assert/strict";
import { readWhole } from "../../src/store/containers_storage/unpack/libc.ts";
import { folderTest } from "../support/folders.ts";

Deno.test("readWhole() reads a file of /proc to its end, which one call does not", () => {
  const maps = readWhole("/proc/self/maps");
  assert.ok(maps.length > 8192, `${maps.length}`);
  assert.match(maps, /\[stack\]\n/);
});

folderTest("readWhole() reads a file that is larger than its buffer", async (folder) => {
  const text = "0123456789abcdef".repeat(10_000);
  await Deno.writeTextFile(`${folder}/large`, text);
  assert.equal(readWhole(`${folder}/large`), text);
  assert.throws(() => readWhole(`${folder}/missing`), { code: "ENOENT" });
});
