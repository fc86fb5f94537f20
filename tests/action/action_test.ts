/** The composite action: its form, and its step as a job's shell runs it. */
import assert from "node:assert/strict";
import { ACTION, COMPOSE_STEP, findInput, runStep, type StepResult, toStepVariables } from "../support/action.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf, makeImage, pushImage, pushPlatforms } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";

Deno.test("the action hands inputs to the shell only as variables, and uses all of them", () => {
  assert.equal(ACTION.runs.using, "composite");
  const used = ACTION.runs.steps.flatMap(({ env, with: settings }) => Object.values({ ...env, ...settings }));
  assert.deepEqual(used.map(findInput).sort(), Object.keys(ACTION.inputs).sort());
  for (const { run, shell, uses } of ACTION.runs.steps) {
    assert.equal(run === undefined, uses !== undefined);
    assert.doesNotMatch(run ?? "", /\$\{\{/);
    if (run !== undefined) assert.equal(shell, "bash");
    // Every variable of an input is quoted.
    for (const name of Object.keys(COMPOSE_STEP.env!)) assert.doesNotMatch(run ?? "", new RegExp(`[^"]\\$${name}\\b`));
  }
  for (const [name, { value }] of Object.entries(ACTION.outputs)) {
    assert.equal(value, `\${{ steps.compose.outputs.${name} }}`);
  }
});

/** Runs the step of the action with these inputs. */
async function runAction(folder: string, inputs: Record<string, string>): Promise<StepResult> {
  await Deno.writeTextFile(`${folder}/deno`, `#!/bin/sh\nexec '${Deno.execPath()}' "$@"\n`, { mode: 0o755 });
  const env = { ...toStepVariables(inputs), PATH: `${folder}:${Deno.env.get("PATH")}` };
  return await runStep(COMPOSE_STEP.run!, folder, env);
}

folderTest("the action composes the digests of build jobs under all tags, and reports them", async (folder) => {
  await using registry = startEmbedded();
  const digests = await pushPlatforms(registry.host, "me/app", [{ architecture: "amd64" }, { architecture: "arm64" }]);
  await Deno.mkdir(`${folder}/digests`);
  for (const digest of digests) await Deno.writeTextFile(`${folder}/digests/${digest.slice("sha256:".length)}`, "");
  const repository = `${registry.host}/me/app`;
  const metadata = { tags: [`${repository}:1.0`, `${repository}:latest`], labels: {} };
  const evil = "$(touch pwned)`touch pwned`'\"\\ $TAGS";
  const { code, stderr, outputs, summary } = await runAction(folder, {
    tags: JSON.stringify(metadata),
    digests: "digests",
    repository,
    require: "linux/amd64,linux/arm64",
    annotations: `org.example.a=x y\nindex:org.example.b=${evil}`,
    "tls-verify": "false",
  });
  assert.equal(code, 0, stderr);
  const { bytes, digest } = await clientOf(registry.host).repository("me/app").getManifest("latest");
  const reference = `${repository}@${digest}`;
  const { json, ...texts } = outputs;
  assert.deepEqual(texts, { digest, reference, references: reference, tags: metadata.tags.join("\n") });
  assert.equal(JSON.parse(json!).digest, digest);
  const index = JSON.parse(new TextDecoder().decode(bytes));
  assert.deepEqual(index.annotations, { "org.example.a": "x y", "org.example.b": evil });
  assert.match(summary, /^\| linux\/amd64 \| /m);
  await assert.rejects(Deno.stat(`${folder}/pwned`), Deno.errors.NotFound);
}, ["bash"]);

folderTest("no input of the action is parsed by the shell or as another flag", async (folder) => {
  await using registry = startEmbedded();
  await pushImage(clientOf(registry.host).repository("me/app"), makeImage({ architecture: "amd64" }), "amd64");
  const valid = { tags: `${registry.host}/me/app:1`, sources: `${registry.host}/me/app:amd64`, "tls-verify": "false" };
  const evil = [
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "a\ntouch pwned",
    "--help",
  ];
  // The script treats all inputs alike, except annotations.
  for (const name of ["tags", "sources", "append", "annotations"]) {
    const { code, outputs, stderr } = await runAction(folder, { ...valid, [name]: evil.join("\n") });
    assert.equal(code, 125, `${name}: ${stderr}`);
    assert.deepEqual(outputs, {});
  }
  await assert.rejects(Deno.stat(`${folder}/pwned`), Deno.errors.NotFound);
}, ["bash"]);
