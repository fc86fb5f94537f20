/** How much the faces bring along that are for functions and browsers. */
import assert from "node:assert/strict";
import { HOST_FOLDERS } from "../../_tools/lint_rooms.ts";
import { folderTest } from "../support/folders.ts";
import { ok } from "../support/peers.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Maximum size of each face as one minified file, in bytes: what a function downloads and parses before it starts. */
const FACES: [face: string, maxBytes: number][] = [
  ["src/system/remote/mod.ts", 290_000],
  ["src/service/mod.ts", 315_000],
];

for (const [face, maxBytes] of FACES) {
  folderTest(`${face} is small, and holds nothing that is bound to a host`, async (folder) => {
    const flags = ["--quiet", "--no-check", "--platform", "browser", "--minify", "--config", `${ROOT}deno.json`];
    await ok([Deno.execPath(), "bundle", ...flags, "--output", `${folder}/bundle.js`, `${ROOT}${face}`]);
    const { size } = await Deno.stat(`${folder}/bundle.js`);
    assert.ok(size <= maxBytes, `${size} bytes`);
    const info: { modules: { specifier: string }[] } = JSON.parse(
      await ok([Deno.execPath(), "info", "--json", "--config", `${ROOT}deno.json`, `${ROOT}${face}`]),
    );
    const paths = info.modules.map(({ specifier }) => specifier.split("/src/")[1] ?? "");
    const isBound = (path: string) => HOST_FOLDERS.some((folder) => path.startsWith(`${folder}/`));
    assert.deepEqual(paths.filter(isBound), []);
    assert.ok(paths.includes(face.replace("src/", "")));
  });
}
