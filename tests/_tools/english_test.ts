import assert from "node:assert/strict";
import { checkMarkdown } from "../../_tools/check_markdown.ts";
import { findDialect, shortDocWords } from "../../_tools/english.ts";
import plugin from "../../_tools/lint_english.ts";

const REFUSED: string[] = [
  "Who fails once is asked no more.",
  "Writes it. What is left stays.",
  "`undefined` where there is none.",
  "The registry knows no conditions.",
  "It is no digest.",
  "The server wants a token.",
  "Compresses layers anew.",
  "Others may write meanwhile.",
  "Runs beside podman.",
  "Copies what is about an image.",
  "The first one counts.",
  "They go on as strangers.",
  "As the real tools do.",
  "It waits for ever.",
  "Cannot copy app:1 as it is not there",
];

const ACCEPTED: string[] = [
  "The folder where images live.",
  "What happens if two jobs write at once?",
  "There is no longer a tag.",
  "Says `where it is` in code.",
  "Cannot copy app:1: not found",
  "Who signs is decided elsewhere. english-ok: quotes the specification",
];

Deno.test("wordings of the dialect are found, and plain sentences are not", () => {
  for (const text of REFUSED) assert.equal(findDialect(text).length, 1, text);
  for (const text of ACCEPTED) assert.deepEqual(findDialect(text), [], text);
});

Deno.test("documentation comments of fewer than five words are found", () => {
  assert.equal(shortDocWords(" Whether. "), 1);
  assert.equal(shortDocWords(" Number of attempts before giving up. "), undefined);
  assert.equal(shortDocWords(" See {@linkcode x}. "), undefined);
});

Deno.test("the lint rules read comments, strings and templates of sources", () => {
  const source = `/** Whether. */
    // What is left stays.
    export const a = "it wants a token", b = \`Cannot use \${a} as it is old\`;
    /** As above, but for lists: \`where it\` is code. */
    export const c = 1; // A tool that runs beside podman.`;
  const found = Deno.lint.runPlugin(plugin, "/somewhere/src/spec/probe.ts", source)
    .sort((a, b) => a.range[0] - b.range[0]);
  assert.deepEqual(
    found.map(({ id, range }) => [id, source.slice(...range)]),
    [
      ["english/docs", "/** Whether. */"],
      ["english/wording", "What"],
      ["english/wording", "wants"],
      ["english/wording", "Cannot use ${a} as it"],
      ["english/wording", "beside"],
    ],
  );
});

Deno.test("documents are checked by paragraph, without their code", () => {
  const document = [
    "# Title",
    "",
    "A list that",
    "is no list.",
    "",
    "```sh",
    "echo 'it wants this'",
    "```",
    "- beside",
  ];
  assert.deepEqual(checkMarkdown("a.md", document.join("\n")).map((line) => line.split(": write")[0]), [
    'a.md:4: "is no list"',
    'a.md:9: "beside"',
  ]);
});
