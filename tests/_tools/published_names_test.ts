/** The names that the package publishes: a new name is a promise, and so a decision. */
import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);
const GOLDEN = new URL("tests/golden/published_names.json", ROOT);

/** The most names that a face may publish. */
const LIMITS: Readonly<Record<string, number>> = { ".": 110, "./spec": 50, "./signature": 45, "./registry": 18 };

/** The names that a module exports, in order. */
function exportedNames(source: string): string[] {
  assert.doesNotMatch(source, /export \*/);
  const lists = source.matchAll(/export(?: type)? \{([^}]*)\}/g);
  const names = Array.from(lists, ([, list]) => list!.split(",").map((name) => name.trim().replace(/^type /, "")));
  return names.flat().filter((name) => name !== "").sort();
}

Deno.test("each face publishes the names that are decided, and no others", async () => {
  const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const published: Record<string, string[]> = {};
  for (const [face, file] of Object.entries<string>(exports)) {
    if (file.endsWith("/mod.ts")) published[face] = exportedNames(await Deno.readTextFile(new URL(file, ROOT)));
  }
  assert.deepEqual(published, JSON.parse(await Deno.readTextFile(GOLDEN)));
  for (const [face, limit] of Object.entries(LIMITS)) {
    assert.ok(
      published[face]!.length <= limit,
      `${face} publishes ${published[face]!.length} names, more than ${limit}`,
    );
  }
});
