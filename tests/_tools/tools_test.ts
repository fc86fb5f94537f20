import assert from "node:assert/strict";
import { HOST_FOLDERS, importProblem, ROOMS } from "../../_tools/lint_rooms.ts";
import { formatSize, rewriteImports } from "../../_tools/publish_dry.ts";
import { unmirrored } from "../../_tools/check_rooms.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("the room rule allows what the table says and nothing else", () => {
  const rows: [from: string, to: string, allowed: boolean][] = [
    ["list/add.ts", "spec/mod.ts", true],
    ["list/add.ts", "list/host.ts", true],
    ["list/add.ts", "spec/digest.ts", false],
    ["spec/digest.ts", "list/mod.ts", false],
    ["server/blobs.ts", "registry/mod.ts", false],
    ["copy/run.ts", "transport/docker/mod.ts", false],
    ["system/local/host.ts", "transport/docker/mod.ts", true],
    ["system/local/store.ts", "store/containers_storage/mod.ts", true],
    ["system/remote/list.ts", "store/containers_storage/mod.ts", false],
    ["store/mod.ts", "store/containers_storage/mod.ts", false],
    ["store/memory_store.ts", "store/lock/queue.ts", true],
    ["store/memory_store.ts", "store/lock/file_lock.ts", false],
    ["store/containers_storage/store.ts", "internal/host/mod.ts", true],
    ["attic/x.ts", "spec/mod.ts", false],
  ];
  for (const [from, to, allowed] of rows) {
    assert.equal(importProblem(from, to) === undefined, allowed, `${from} → ${to}`);
  }
});

Deno.test("the room rule is what the linter runs", async () => {
  const file = new URL("src/spec/zz_lint_probe.ts", ROOT);
  await Deno.writeTextFile(file, 'import "../list/mod.ts";\n');
  try {
    const args = ["lint", "--config", new URL("deno.json", ROOT).pathname, file.pathname];
    const { code, stderr } = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } }).output();
    assert.equal(code, 1);
    assert.match(new TextDecoder().decode(stderr), /room spec may not import room list/);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("every room is in the table, in ARCHITECTURE.md, and tested", async () => {
  const rooms = (await Array.fromAsync(Deno.readDir(new URL("src/", ROOT)))).map(({ name }) => name).toSorted();
  assert.deepEqual(rooms, Object.keys(ROOMS).toSorted());
  const text = (await Deno.readTextFile(new URL("ARCHITECTURE.md", ROOT))).replace(/ +/g, " ");
  for (const [room, imports] of Object.entries(ROOMS)) {
    assert.ok(text.includes(`| \`${room}\` | ${imports.map((name) => `\`${name}\``).join(", ") || "nothing"} |`), room);
  }
  for (const folder of HOST_FOLDERS) assert.ok(text.includes(`\`${folder}\``), folder);
  assert.deepEqual(await unmirrored(ROOT), []);
});

Deno.test("sizes and imports are reckoned as deno publish does", () => {
  assert.deepEqual([5, 1023, 1024, 1536, 2_097_152].map(formatSize), ["5B", "1023B", "1KB", "1.5KB", "2MB"]);
  const imports = { "@std/path": "jsr:@std/path@^1", "smol-toml": "npm:smol-toml@^1" };
  assert.equal(
    rewriteImports('import a from "@std/path"; import("smol-toml"); import x from "./@std/path";', imports),
    'import a from "jsr:@std/path@^1"; import("npm:smol-toml@^1"); import x from "./@std/path";',
  );
});
