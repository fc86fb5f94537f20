/** Hashes with and without `node:crypto`. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { folderTest } from "../support/folders.ts";
import { ok } from "../support/peers.ts";

const HASH = new URL("../../src/internal/hash.ts", import.meta.url);
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** A script that hashes inputs of some sizes one after another, and counts how often it loads `node:crypto`. */
const SCRIPT = `
import { createHasher } from ${JSON.stringify(HASH.href)};
const { process } = globalThis;
let loads = 0;
Object.defineProperty(globalThis, "process", { value: { getBuiltinModule: (name) => (loads++, process.getBuiltinModule(name)) } });
const results = [];
for (const [algorithm, ...sizes] of JSON.parse(Deno.args[0])) {
  const hasher = createHasher(algorithm);
  const buffer = new Uint8Array(Math.max(...sizes));
  // The caller may use its buffer again.
  for (const size of sizes) hasher.update(buffer.fill(size % 251).subarray(0, size));
  results.push([hasher.hex(), loads]);
}
console.log(JSON.stringify(results));
`;

folderTest("small documents are hashed without node:crypto, which takes long to load", async (folder) => {
  await Deno.writeTextFile(`${folder}/script.ts`, SCRIPT);
  const rows: [algorithm: string, ...sizes: number[]][] = [
    ["sha256", 0],
    ["sha256", 2_000, 300],
    ["sha512", 1, 2, 3],
    ["sha384", 64_000],
    ["sha256", 1, 30_000, 30_000, 30_000, 7], // passes the limit in the middle
    ["sha256", 5],
  ];
  const args = ["run", "-A", "--quiet", "--config", CONFIG, `${folder}/script.ts`, JSON.stringify(rows)];
  const results = JSON.parse(await ok([Deno.execPath(), ...args]));
  const expected = rows.map(([algorithm, ...sizes], i) => {
    const hash = createHash(algorithm);
    for (const size of sizes) hash.update(new Uint8Array(size).fill(size % 251));
    return [hash.digest("hex"), i < 4 ? 0 : 1];
  });
  assert.deepEqual(results, expected);
});
