import assert from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import plugin, { findImportProblem, HOST_FOLDERS, ROOMS } from "../../_tools/lint_rooms.ts";
import { listImports } from "../../_tools/pack.ts";
import { checkNpmForm, findBrokenLinks, formatSize, rewriteImports } from "../../_tools/publish_dry.ts";
import { VERSION } from "../../src/internal/room.ts";
import { findUntestedRooms, findUnusedExports } from "../../_tools/check_rooms.ts";

import { folderTest } from "../support/folders.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("the room rule allows the imports of the table and no others", () => {
  const rows: [from: string, to: string, allowed: boolean][] = [
    ["list/add.ts", "spec/room.ts", true],
    ["list/add.ts", "list/host.ts", true],
    ["list/add.ts", "spec/digest.ts", false],
    ["spec/digest.ts", "list/room.ts", false],
    ["server/blobs.ts", "registry/room.ts", false],
    ["copy/run.ts", "transport/docker/room.ts", false],
    ["system/local/host.ts", "transport/docker/room.ts", true],
    ["system/local/store.ts", "store/containers_storage/room.ts", true],
    ["system/remote/list.ts", "store/containers_storage/room.ts", false],
    ["store/room.ts", "store/containers_storage/room.ts", false],
    ["list/add.ts", "spec/mod.ts", false],
    ["store/memory_store.ts", "internal/room.ts", true],
    ["store/memory_store.ts", "store/lock/file_lock.ts", false],
    ["store/containers_storage/store.ts", "internal/host/room.ts", true],
    ["attic/x.ts", "spec/room.ts", false],
  ];
  for (const [from, to, allowed] of rows) {
    assert.equal(findImportProblem(from, to) === undefined, allowed, `${from} → ${to}`);
  }
});

Deno.test("the room rule sees every kind of import", () => {
  const source = `import "../list/room.ts";
    export { x } from "../copy/room.ts";
    export * from "../store/room.ts";
    export const load = () => import("../cli/run.ts");
    import "../internal/room.ts"; import "./digest.ts";`;
  const found = Deno.lint.runPlugin(plugin, "/somewhere/src/spec/probe.ts", source);
  assert.deepEqual(found.map(({ id }) => id), Array(4).fill("rooms/imports"));
  assert.match(found[0]!.message, /room spec may not import room list/);
});

Deno.test("portable code imports built-in modules of Node only if it can do without them", () => {
  const source = `import { createHash } from "node:crypto";
    import type { KeyObject } from "node:crypto";
    export const load = () => import("node:crypto").catch(() => undefined);`;
  const lint = (file: string) => Deno.lint.runPlugin(plugin, `/somewhere/src/${file}`, source);
  assert.deepEqual(lint("spec/probe.ts").map(({ message }) => message), [
    "portable spec/probe.ts needs node:crypto, which browsers lack",
  ]);
  assert.deepEqual(lint("registry/node/probe.ts"), []);
});

Deno.test("portable code does not use what Node 20 lacks and types do not tell", () => {
  const lint = (file: string) =>
    Deno.lint.runPlugin(
      plugin,
      `/somewhere/src/${file}`,
      'URL.parse("https://a.b/"); JSON.parse("{}"); new DisposableStack(); Map.groupBy([], String);',
    );
  assert.deepEqual(lint("spec/probe.ts").map(({ message }) => message), [
    "portable spec/probe.ts uses URL.parse, which Node 20 lacks",
    "portable spec/probe.ts uses DisposableStack, which Node 20 lacks",
    "portable spec/probe.ts uses Map.groupBy, which Node 20 lacks",
  ]);
  assert.deepEqual(lint("cli/probe.ts"), []);
});

Deno.test("nothing awaits at the top level of a module, except the program's entry", () => {
  const source = `export const one = await Promise.resolve(1);
    for await (const x of []) x;
    await using guard = { [Symbol.asyncDispose]: async () => {} };
    export const two = async () => await 2;
    export class Three { async four() { for await (const x of []) await x; } }
    async function five() { await using guard = await six(); }`;
  const lint = (file: string) => Deno.lint.runPlugin(plugin, `/somewhere/src/${file}`, source);
  assert.deepEqual(
    lint("registry/node/probe.ts").map(({ message }) => message),
    Array(3).fill("registry/node/probe.ts awaits at its top level"),
  );
  assert.deepEqual(lint("cli/main.ts"), []);
});

Deno.test("nothing changes the environment of the process, which threads share", () => {
  const source = 'Deno.env.set("A", Deno.env.get("B")); Deno.env.delete("A"); headers.set("A", "B");';
  const found = Deno.lint.runPlugin(plugin, "/somewhere/tests/probe_test.ts", source);
  assert.deepEqual(found.map(({ message }) => message), Array(2).fill("changes the environment of the process"));
});

Deno.test("every room is in the table, in ARCHITECTURE.md, and tested", async () => {
  const rooms = (await Array.fromAsync(Deno.readDir(new URL("src/", ROOT)))).map(({ name }) => name).toSorted();
  assert.deepEqual(rooms, Object.keys(ROOMS).toSorted());
  const text = (await Deno.readTextFile(new URL("ARCHITECTURE.md", ROOT))).replace(/ +/g, " ");
  for (const [room, imports] of Object.entries(ROOMS)) {
    assert.ok(text.includes(`| \`${room}\` | ${imports.map((name) => `\`${name}\``).join(", ") || "nothing"} |`), room);
  }
  for (const folder of HOST_FOLDERS) assert.ok(text.includes(`\`${folder}\``), folder);
  assert.deepEqual(await findUntestedRooms(ROOT), []);
});

Deno.test("every name that a room exports is imported by another room or by a test", async () => {
  assert.deepEqual(await findUnusedExports(fromFileUrl(ROOT)), []);
  const root = await Deno.makeTempDir();
  try {
    for (const folder of ["src/a", "src/b", "web", "tests", "_tools", "bench", "examples"]) {
      await Deno.mkdir(`${root}/${folder}`, { recursive: true });
    }
    const files = {
      "mod.ts": 'export { published } from "./src/a/room.ts";',
      "demo.ts": 'const { loaded } = await import("./src/a/room.ts");',
      "src/a/room.ts": 'export { type Left, left, loaded, published, used as shown } from "./a.ts";\n' +
        'export type { InType, OnlyHere } from "./a.ts";',
      "src/a/a.ts": "export type OnlyHere = 1;",
      "src/b/room.ts": "",
      "src/b/b.ts": 'import { type A, shown as other } from "../a/room.ts";\ntype B = import("../a/room.ts").InType;',
    };
    for (const [path, text] of Object.entries(files)) await Deno.writeTextFile(`${root}/${path}`, text);
    const unused = ["Left", "OnlyHere", "left"].map((name) => `src/a/room.ts: ${name}`);
    assert.deepEqual(await findUnusedExports(root), unused);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("the version is the package's", async () => {
  assert.equal(VERSION, JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT))).version);
});

Deno.test("sizes and imports are reckoned as deno publish does", () => {
  assert.deepEqual(
    [5, 1023, 1024, 1536, 3712, 2_097_152].map(formatSize),
    ["5B", "1023B", "1KB", "1.5KB", "3.62KB", "2MB"],
  );
  const imports = { "@std/path": "jsr:@std/path@^1", "smol-toml": "npm:smol-toml@^1" };
  const rewrite = (text: string) => rewriteImports(text, imports, "@me/app@^1.2.3");
  assert.equal(
    rewrite('import a from "@std/path"; import("smol-toml/a.js"); import x from "./@std/path";'),
    'import a from "jsr:@std/path@^1"; import("npm:/smol-toml@^1/a.js"); import x from "./@std/path";',
  );
  assert.equal(rewrite('import a from "@me/app/b";'), 'import a from "jsr:@me/app@^1.2.3/b";');
  const example = ' * import a from "@std/path";';
  assert.equal(rewrite(example), example);
});

Deno.test("links of documents lead to published files", () => {
  const text = "[a](docs/a.md#top) [b](docs) [c](https://example.com) [d](tests/a.ts) [e](#here)";
  const documents = new Map([["README.md", text], ["docs/a.md", "[a](../README.md) [b](b.md)"]]);
  assert.deepEqual(findBrokenLinks(documents, ["README.md", "docs/a.md"]), [
    "README.md links tests/a.ts, which is not published",
    "docs/a.md links b.md, which is not published",
  ]);
});

Deno.test("imports are found in compiled modules and declarations, but not in comments", () => {
  const text =
    `/**\n * import "x";\n */ import { a } from "./a.js";\nexport * from "b";\nawait import("c/d.js"); import "e";`;
  assert.deepEqual(listImports(text), ["./a.js", "b", "c/d.js", "e"]);
});

folderTest("the check of the npm form finds what a user would miss", async (folder) => {
  const files = {
    "package.json": JSON.stringify({
      exports: { ".": { types: "./mod.d.ts", import: "./mod.js" } },
      dependencies: { "@a/b": "1" },
      bin: { a: "./bin/a.js" },
    }),
    "mod.js": 'import "./src/a.js"; import "@a/b/c.js"; import "node:fs"; import "@std/path";',
    "src/a.js": 'export * from "../mod.js"; export * from "./b.js";',
    "src/a.d.ts": 'export * from "../mod.js";',
    "tests/offline_std/path/mod.js": "",
  };
  for (const [file, text] of Object.entries(files)) {
    const path = `${folder}/${file}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, text);
  }
  assert.deepEqual((await checkNpmForm(folder)).sort(), [
    "mod.js imports @std/path, which does not exist",
    "not intended: tests/offline_std/path/mod.js",
    "package.json has no engines",
    "package.json names ./bin/a.js, which does not exist",
    "package.json names ./mod.d.ts, which does not exist",
    "src/a.d.ts imports ../mod.js, which does not exist",
    "src/a.js imports ./b.js, which does not exist",
  ]);
});
