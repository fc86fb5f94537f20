/** The check that each published function shows how to call it. */
import assert from "node:assert/strict";
import { checkExamples, listFaces } from "../../_tools/check_examples.ts";
import { folderTest } from "../support/folders.ts";

Deno.test("each published function and class has a runnable example and names its error codes", async () => {
  const faces = await listFaces(new URL("../../", import.meta.url));
  assert.ok(faces.length > 1);
  assert.deepEqual(await checkExamples(faces), []);
});

folderTest("a published function without a runnable example is found; an error class needs none", async (folder) => {
  const example = '@example\n * ```ts\n * import { shown } from "@multiarch/manifests";\n * shown();\n * ```';
  const lines = [
    `/**\n * Shown.\n *\n * ${example}\n */\nexport function shown(): void {}`,
    "/** No example. */\nexport function missing(): void {}",
    "/**\n * Not run.\n *\n * @example\n * ```sh\n * run\n * ```\n */\nexport function shell(): void {}",
    "/** No example. */\nexport class Missing {}",
    "/** Only caught. */\nexport class CaughtError extends Error {}",
    `/**\n * Vague.\n *\n * @throws {Error} With code \`A\` and others.\n *\n * ${example}\n */\nexport function vague(): void {}`,
    "/** Only caught. */\nexport class VagueError extends Error {\n  /**\n   * Vague.\n   *\n   * @throws {Error} With the codes of {@linkcode vague}.\n   */\n  run(): void {}\n}",
  ];
  await Deno.writeTextFile(`${folder}/mod.ts`, lines.join("\n"));
  const problems = await checkExamples([`${folder}/mod.ts`]);
  const missing = "has no @example that imports the package by name";
  assert.deepEqual(
    problems.map((problem) => problem.replace(/^.*:\d+: /, "")).sort(),
    [
      `Missing ${missing}`,
      `missing ${missing}`,
      `shell ${missing}`,
      "VagueError must name each code that its method run throws",
      "vague must name each code that it throws",
    ].sort(),
  );
});
