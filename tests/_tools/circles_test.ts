import assert from "node:assert/strict";
import { findCircles } from "../../_tools/circles.ts";
import { folderTest } from "../support/folders.ts";

Deno.test("no files of the sources import each other in a circle, except a transport's own", async () => {
  assert.deepEqual(await findCircles(new URL("../../", import.meta.url).pathname), []);
});

folderTest("a circle of files is found, types included", async (folder) => {
  await Deno.mkdir(`${folder}/src/spec`, { recursive: true });
  await Deno.mkdir(`${folder}/src/transport/dir`, { recursive: true });
  const files: Record<string, string> = {
    "spec/a.ts": 'import { b } from "./b.ts";',
    "spec/b.ts": 'export { c } from "./c.ts";',
    "spec/c.ts": 'import type { A } from "./a.ts";',
    "spec/d.ts": 'import { a } from "./a.ts";',
    "transport/dir/reference.ts": 'import { open } from "./source.ts";',
    "transport/dir/source.ts": 'import type { DirReference } from "./reference.ts";',
  };
  for (const [path, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/src/${path}`, text);
  assert.deepEqual(await findCircles(folder), [["src/spec/a.ts", "src/spec/b.ts", "src/spec/c.ts"]]);
});
