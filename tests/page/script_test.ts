import assert from "node:assert/strict";
import { buildPageScript, SCRIPT_PATH } from "../../_tools/build_page.ts";

Deno.test("the script of the page is bundled from web/: run deno run -A _tools/build_page.ts", async () => {
  const root = new URL("../../", import.meta.url).pathname;
  assert.equal(await Deno.readTextFile(`${root}${SCRIPT_PATH}`), await buildPageScript(root));
});
