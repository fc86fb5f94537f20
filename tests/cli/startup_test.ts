import assert from "node:assert/strict";
import { CLI } from "../support/cli.ts";
import { exec } from "../support/peers.ts";
import { makeStore } from "../support/stores.ts";

/** Lists the modules of `src` that a command line loads, from the coverage data of V8. */
async function listModules(args: readonly string[]): Promise<string[]> {
  const folder = await Deno.makeTempDir({ prefix: "coverage-" });
  try {
    const { code, stderr } = await exec([...CLI, ...args], { DENO_COVERAGE_DIR: folder });
    assert.equal(code, 0, stderr);
    const modules: string[] = [];
    for await (const { name } of Deno.readDir(folder)) {
      const { url } = JSON.parse(await Deno.readTextFile(`${folder}/${name}`));
      const path = /\/src\/(.+)$/.exec(url)?.[1];
      if (path) modules.push(path);
    }
    return modules;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a command loads only the modules that it uses", async () => {
  await using at = await makeStore();
  const MOVING = ["copy", "registry", "server", "signature", "transport", "cli/progress", "cli/completion"];
  const rows: [args: string[], without: string[]][] = [
    [["--version"], [...MOVING, "list", "store", "system", "config", "spec", "cli/commands", "cli/definitions/add"]],
    [["push", "--help"], [...MOVING, "list", "store", "system", "config", "spec", "cli/commands"]],
    [[...at.flags, "create", "list"], [...MOVING, "cli/commands/sources", "cli/definitions/push"]],
    [[...at.flags, "exists", "list"], [...MOVING, "list", "cli/commands/edit", "cli/format/table"]],
    [[...at.flags, "inspect", "list"], [...MOVING, "cli/format/description"]],
    [[...at.flags, "ls"], MOVING],
    [[...at.flags, "push", "-q", "list", `dir:${at.folder}/out`], [
      "server",
      "cli/completion",
      "cli/progress/terminal",
    ]],
    [["generate-sigstore-key", "--output-prefix", `${at.folder}/key`, "--passphrase-file", "/dev/null"], [
      ...["copy", "registry", "server", "transport", "list", "store", "system", "cli/progress", "cli/completion"],
    ]],
    [[...at.flags, "rm", "list"], [...MOVING, "list", "cli/commands/push"]],
  ];
  for (const [args, without] of rows) {
    const modules = await listModules(args);
    assert.ok(modules.length > 5, args.join(" "));
    const needless = modules.filter((path) => without.some((start) => new RegExp(`^${start}[/.]`).test(path)));
    assert.deepEqual(needless, [], args.join(" "));
  }
});
