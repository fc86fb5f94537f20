import { EXPLANATIONS, formatErrorReference } from "../../_tools/error_reference.ts";
import { ERROR_CODES } from "../../src/errors/room.ts";
import assert from "node:assert/strict";
import { formatReference } from "../../_tools/cli_reference.ts";
import { loadDefinitions } from "../../src/cli/definitions/mod.ts";

Deno.test("docs/cli.md agrees with the definitions of the commands: deno run -A _tools/cli_reference.ts", async () => {
  const file = await Deno.readTextFile(new URL("../../docs/cli.md", import.meta.url));
  assert.equal(file, await formatReference());
});

Deno.test("every command is defined as commands are", async () => {
  for (const { name, summary, examples, flags, load, min, max = Infinity } of await loadDefinitions()) {
    assert.equal(typeof await load(), "function", name);
    assert.ok(!summary.endsWith(".") && examples.length > 0 && min <= max, name);
    const names = flags.flatMap(({ name, short, aliases = [] }) => [name, ...(short ? [short] : []), ...aliases]);
    assert.equal(new Set(names).size, names.length, `${name}: each flag once`);
    for (const [line] of examples) assert.ok(line.includes(name) || line.includes("manifests"), `${name}: ${line}`);
  }
});

Deno.test("docs/errors.md explains every error code", async () => {
  const file = await Deno.readTextFile(new URL("../../docs/errors.md", import.meta.url));
  assert.equal(file, await formatErrorReference());
  assert.deepEqual(Object.keys(EXPLANATIONS).sort(), [...ERROR_CODES].sort());
});
