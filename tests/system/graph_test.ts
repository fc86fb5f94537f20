/** How much the faces bring along that are for functions and browsers. */
import assert from "node:assert/strict";
import { HOST_FOLDERS } from "../../_tools/lint_rooms.ts";
import { folderTest } from "../support/folders.ts";
import { ok } from "../support/peers.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Maximum size of each face, minified, in bytes: what a function downloads and parses before it starts. */
const FACES: [face: string, maxBytes: number][] = [
  ["src/system/remote/mod.ts", 339_000],
  ["src/service/mod.ts", 378_000],
];

/** The size of a bundle's entry and of the chunks that it imports statically; others are loaded on demand. */
async function measureStart(folder: string, entry: string): Promise<number> {
  const files = new Set([entry]);
  let size = 0;
  for (const file of files) {
    const text = await Deno.readTextFile(`${folder}/${file}`);
    size += new TextEncoder().encode(text).length;
    for (const [, chunk] of text.matchAll(/(?:from|import)"\.\/([^"]+)"/g)) files.add(chunk!);
  }
  return size;
}

for (const [face, maxBytes] of FACES) {
  folderTest(`${face} is small, and holds nothing that is bound to a host`, async (folder) => {
    const flags = ["--quiet", "--no-check", "--platform", "browser", "--minify", "--code-splitting"];
    const config = ["--config", `${ROOT}deno.json`];
    await ok([Deno.execPath(), "bundle", ...flags, ...config, "--outdir", folder, `${ROOT}${face}`]);
    const size = await measureStart(folder, "mod.js");
    assert.ok(size > 100_000 && size <= maxBytes, `${size} bytes`);
    const info: { modules: { specifier: string }[] } = JSON.parse(
      await ok([Deno.execPath(), "info", "--json", "--config", `${ROOT}deno.json`, `${ROOT}${face}`]),
    );
    const paths = info.modules.map(({ specifier }) => specifier.split("/src/")[1] ?? "");
    const isBound = (path: string) => HOST_FOLDERS.some((folder) => path.startsWith(`${folder}/`));
    assert.deepEqual(paths.filter(isBound), []);
    assert.ok(paths.includes(face.replace("src/", "")));
  });
}
