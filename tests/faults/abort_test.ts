/** Aborts that must be heard at once, whatever the garbage collector has taken. */
import assert from "node:assert/strict";
import { folderTest } from "../support/folders.ts";
import { ok } from "../support/peers.ts";

folderTest(
  "an abort ends requests to a stalled registry, also after a garbage collection",
  async (folder) => {
    const child = new URL("../support/abort_child.ts", import.meta.url).pathname;
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const program = [Deno.execPath(), "run", "-A", "--quiet", "--config", config, "--v8-flags=--expose-gc", child];
    const lines = (await ok([...program, folder])).trim().split("\n");
    assert.deepEqual(lines.filter((line) => !line.endsWith(": aborted")), []);
    assert.equal(lines.length, 11);
  },
);
