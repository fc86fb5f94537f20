/** How much the faces bring along that are for functions and browsers. */
import assert from "node:assert/strict";
import { HOST_FOLDERS } from "../../_tools/lint_rooms.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

const FACES: [face: string, modules: number, bytes: number][] = [
  ["src/system/remote/mod.ts", 320, 1_100_000],
  ["src/service/mod.ts", 340, 1_150_000],
];

for (const [face, maxModules, maxBytes] of FACES) {
  Deno.test(`${face} is small, and holds nothing that is bound to a host`, async () => {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", face],
      cwd: ROOT,
      stderr: "null",
    }).output();
    const { modules } = JSON.parse(new TextDecoder().decode(stdout));
    const files = modules.filter(({ specifier }: { specifier: string }) => specifier.startsWith("file:"));
    const size = files.reduce((sum: number, module: { size?: number }) => sum + (module.size ?? 0), 0);
    assert.ok(files.length <= maxModules && size <= maxBytes, `${files.length} modules, ${size} bytes`);
    const bound = files.map(({ specifier }: { specifier: string }) => specifier.split("/src/")[1] ?? "")
      .filter((path: string) => HOST_FOLDERS.some((folder) => path.startsWith(`${folder}/`)));
    assert.deepEqual(bound, []);
  });
}
