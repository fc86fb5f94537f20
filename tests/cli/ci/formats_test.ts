/** The formats of CI systems, as pure functions. */
import assert from "node:assert/strict";
import { findGithubFiles } from "../../../src/cli/ci/environment.ts";
import { formatDotenv, formatGithubOutputs } from "../../../src/cli/ci/output_files.ts";
import { escapeMarkdown, formatSummary } from "../../../src/cli/ci/summary.ts";
import { formatMasks, formatWorkflowCommand, neutralizeCommands } from "../../../src/cli/ci/workflow_commands.ts";
import { MEDIA_TYPES, parseManifest } from "../../../src/spec/room.ts";
import { readGithubOutputs } from "../../support/github.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const OTHER = `sha256:${"b".repeat(64)}`;

Deno.test("outputs are read back by the runner's grammar, whatever a value contains", () => {
  const values = { digest: DIGEST, tags: "r/a:1\nr/a:2", evil: "a\nPATH=/evil\nb<<EOF\n=<<x", empty: "", json: "{}\n" };
  const text = formatGithubOutputs(values, "ghadelimiter_1");
  assert.deepEqual(readGithubOutputs(text), values);
  assert.throws(() => formatGithubOutputs({ a: "x\nghadelimiter_1\ny=z" }, "ghadelimiter_1"), RangeError);
  assert.throws(() => formatGithubOutputs({ ghadelimiter_1: "x" }, "ghadelimiter_1"), RangeError);
});

Deno.test("a workflow command cannot be extended by what it quotes", () => {
  assert.equal(
    formatWorkflowCommand("error", "50%\r\n::add-mask::x,y", { title: "a:b,c\n::d%" }),
    "::error title=a%3Ab%2Cc%0A%3A%3Ad%25::50%25%0D%0A::add-mask::x,y",
  );
  assert.equal(formatWorkflowCommand("endgroup", ""), "::endgroup::");
});

Deno.test("quoted text contains no workflow command", () => {
  const rows: [text: string, neutral: string][] = [
    ["::set-output name=a::b", ": :set-output name=a::b"],
    ["Error: x\n  ::error::y\n\t::debug::z", "Error: x\n  : :error::y\n\t: :debug::z"],
    ["a ##[add-path]/evil ##[error]", "a ## [add-path]/evil ## [error]"],
    ["Error: a::b: c", "Error: a::b: c"],
  ];
  for (const [text, neutral] of rows) assert.equal(neutralizeCommands(text), neutral);
});

Deno.test("every line of a secret is masked", () => {
  assert.deepEqual(formatMasks("50%\nb\r\n\n c"), ["::add-mask::50%25", "::add-mask::b", "::add-mask:: c"]);
});

Deno.test("dotenv reports have one line for each variable, and what GitLab would refuse is left out", () => {
  assert.deepEqual(formatDotenv({ A: "r/a@sha256:1", B: "$(x) 'y' \"z\"" }), {
    text: "A=r/a@sha256:1\nB=$(x) 'y' \"z\"\n",
    leftOut: [],
  });
  assert.throws(() => formatDotenv({ A: "x\nPATH=/evil" }), RangeError);
  assert.throws(() => formatDotenv({ A: "x\rPATH=/evil" }), RangeError);
  const long = { A: "x", B: "y".repeat(5118), C: "z" };
  assert.deepEqual(formatDotenv(long), { text: "A=x\nC=z\n", leftOut: ["B"] });
  assert.deepEqual(formatDotenv({ A: "x" }, 5118).leftOut, ["A"]);
});

Deno.test("a summary shows the entries and annotations, and nothing of them has an effect in Markdown", () => {
  const evil = "|<img src=x>\n# `[a](http://e)` **b** ::error:: &amp; @me";
  const index = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociIndex,
    manifests: [
      {
        mediaType: MEDIA_TYPES.ociManifest,
        digest: DIGEST,
        size: 1234,
        platform: { os: "linux", architecture: "arm", variant: "v7" },
        annotations: { "org.example.evil": evil },
      },
      {
        mediaType: MEDIA_TYPES.ociManifest,
        digest: OTHER,
        size: 5,
        platform: { os: "unknown", architecture: "unknown" },
        annotations: { "vnd.docker.reference.digest": DIGEST, "vnd.docker.reference.type": "attestation-manifest" },
      },
    ],
    annotations: { [evil]: "1.0" },
  };
  const manifest = parseManifest(new TextEncoder().encode(JSON.stringify(index)));
  const summary = formatSummary({
    digest: OTHER,
    references: [`quay.io/me/app@${OTHER}`],
    tags: ["quay.io/me/app:1.0"],
    unchanged: false,
    manifest,
    json: {},
  });
  const lines = summary.split("\n");
  assert.equal(lines[0], `### Published \`${OTHER}\``);
  assert.ok(lines.includes("- `quay.io/me/app:1.0`"), summary);
  const rows = lines.filter((line) => line.startsWith("| ")).map((line) => line.split(" | "));
  assert.deepEqual(rows.map((cells) => cells.length), [4, 4, 4, 4, 2, 2, 2]);
  assert.equal(rows[2]![0], "| linux/arm/v7");
  assert.equal(rows[2]![2], "1.2 kB");
  assert.equal(rows[3]![0], "| attestation of linux/arm/v7");
  assert.match(rows[2]![3]!, /^org\.example\.evil=&#124;&#60;img src=x&#62; &#35; /);
  assert.doesNotMatch(summary.replace(/`[\w.:/-]+`|<br>|^###|^- |&#\d+;/gm, ""), /[<>`*[\]#@:&]/);
});

Deno.test("the summary of several indexes lists each of them by digest", () => {
  const references = [`quay.io/me/app@${DIGEST}`, `quay.io/me/web@${OTHER}`];
  const tags = ["quay.io/me/app:1", "quay.io/me/web:1"];
  const summary = formatSummary({ digest: undefined, references, tags, unchanged: true, json: {} });
  assert.equal(
    summary,
    `### Already published\n\n${[...tags, ...references].map((name) => `- \`${name}\`\n`).join("")}\n`,
  );
});

Deno.test("a summary stays below the limit of GitHub, whatever is in the index", () => {
  const annotations = Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [`${i}${"|".repeat(500)}`, "<".repeat(9_999)]),
  );
  const manifests = Array.from({ length: 1000 }, () => ({
    mediaType: MEDIA_TYPES.ociManifest,
    digest: DIGEST,
    size: 1,
    platform: { os: "|".repeat(500), architecture: "x" },
    annotations: { a: "|".repeat(1000) },
  }));
  manifests[0]!.annotations = annotations as never;
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests, annotations };
  const manifest = parseManifest(new TextEncoder().encode(JSON.stringify(index)));
  const tags = Array.from({ length: 1000 }, (_, i) => `quay.io/me/app:${i}`);
  const summary = formatSummary({ digest: DIGEST, references: [], tags, unchanged: true, manifest, json: {} });
  assert.ok(summary.length > 200_000);
  assert.ok(new TextEncoder().encode(summary).length < 1024 * 1024);
  assert.match(summary, /… and 900 more/);
});

Deno.test("text is escaped for Markdown without losing letters of any language", () => {
  assert.equal(escapeMarkdown("Größe 大小 1.0-rc, a/b"), "Größe 大小 1.0-rc, a/b");
  assert.equal(escapeMarkdown("a\u202eb\x1b[0m"), "a\ufffdb\ufffd&#91;0m");
});

Deno.test("the files of GitHub Actions are used only in its jobs or on request", async () => {
  const output = await Deno.makeTempFile();
  try {
    const all = { GITHUB_ACTIONS: "true", GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: "/summary" };
    const find = (requested: boolean | undefined, env: Record<string, string>, persona?: "podman") =>
      findGithubFiles(requested, persona, (name) => env[name]);
    const found = { output, summary: "/summary" };
    assert.deepEqual(await find(undefined, all), found);
    assert.deepEqual(await find(true, { GITHUB_OUTPUT: output }), { output, summary: undefined });
    assert.equal(await find(false, all), undefined);
    assert.equal(await find(undefined, { ...all, GITHUB_ACTIONS: "" }), undefined);
    assert.equal(await find(undefined, { ...all, GITHUB_OUTPUT: "" }), undefined);
    assert.equal(await find(undefined, { ...all, GITHUB_OUTPUT: "/nowhere/output" }), undefined);
    assert.equal(await find(undefined, all, "podman"), undefined);
    await assert.rejects(find(true, {}), /GITHUB_OUTPUT/);
  } finally {
    await Deno.remove(output);
  }
});
