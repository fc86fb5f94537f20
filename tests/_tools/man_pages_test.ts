/** The manual pages: one for each command, and valid roff. */
import assert from "node:assert/strict";
import { formatManPages } from "../../_tools/man_pages.ts";
import { loadDefinitions } from "../../src/cli/definitions/mod.ts";
import { selectShownFlags } from "../../src/cli/help.ts";

Deno.test("each command has a manual page with its flags and examples", async () => {
  const pages = await formatManPages();
  const commands = await loadDefinitions();
  assert.deepEqual([...pages.keys()], ["manifests.1", ...commands.map(({ name }) => `manifests-${name}.1`)]);
  for (const { name, flags } of commands) {
    const page = pages.get(`manifests-${name}.1`)!;
    for (const flag of selectShownFlags(flags)) {
      assert.ok(page.includes(`\\-\\-${flag.name.replaceAll("-", "\\-")}`), `${name} --${flag.name}`);
    }
    assert.ok(pages.get("manifests.1")!.includes(`manifests\\-${name.replaceAll("-", "\\-")}`), name);
  }
  for (const [name, page] of pages) {
    assert.match(page, /^\.TH ".*" "1" "" "manifests \d+\.\d+\.\d+" "User Commands"\n\.SH "NAME"\n/, name);
    // A line that starts with a period is a request, and only those of these pages are known.
    for (const [request] of page.matchAll(/^[.']\S*/gm)) assert.match(request, /^\.(TH|SH|TP|PP|br)$/, name);
    // A backslash starts an escape sequence.
    for (const [sequence] of page.matchAll(/\\./g)) assert.match(sequence, /^\\[-e&f]$/, `${name} ${sequence}`);
  }
});
