/** The portable faces under Node, as one module that a bundler made. */
import assert from "node:assert/strict";
import { bundle } from "../support/bundle.ts";
import { folderTest } from "../support/folders.ts";
import { ok } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { compress } from "./work.ts";
import { workHere } from "./work_here.ts";

folderTest("the portable exports have the same results under Node as under Deno", async (folder) => {
  const file = await bundle("tests/portable/work.ts", folder, "node20");
  await using from = startEmbedded();
  await using to = startEmbedded();
  const hosts = JSON.stringify({ from: from.host, to: to.host });
  const script = `const { work } = await import("${file}"); console.log(JSON.stringify(await work(${hosts})));`;
  const report = JSON.parse(await ok(["node", "--input-type=module", "--eval", script]));
  assert.deepEqual(report, await workHere());
  assert.deepEqual([from.errors, to.errors], [[], []]);
}, ["node"]);

folderTest("Node compresses as Deno does, or fails with a code", async (folder) => {
  const file = await bundle("tests/portable/work.ts", folder, "node20");
  await using from = startEmbedded();
  await using to = startEmbedded();
  const hosts = { from: from.host, to: to.host };
  const script = `const { compress } = await import("${file}");
    const codes = await compress(${JSON.stringify(hosts)});
    console.log(JSON.stringify({ codes, able: "createZstdCompress" in (await import("node:zlib")) }));`;
  const { codes, able } = JSON.parse(await ok(["node", "--input-type=module", "--eval", script]));
  const [gzip, zstd] = await compress(hosts);
  assert.deepEqual(codes, [gzip, able ? zstd : "COMPRESSION_NOT_SUPPORTED"]);
}, ["node"]);
