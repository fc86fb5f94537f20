/**
 * The workflows of docs/ci.md: their shell steps run in order, as they are written, and so does the action's. Expressions
 * of each system are replaced as it would do that. Steps that call Docker are left out.
 */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { COMPOSE_STEP, runStep, toStepVariables } from "../support/action.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";
import { type Environment, prepare, ROOT } from "./quay.ts";

/** A shell step of a workflow. */
interface ShellStep {
  /** Name of the step or job, by which others refer to its outputs. */
  readonly id?: string | undefined;
  readonly script: string;
  readonly env: Environment;
  readonly args: readonly string[];
}

/** Variables that each system sets in all jobs. */
const VARIABLES: Environment = {
  REGISTRY_USER: "me",
  REGISTRY_PASSWORD: "secret",
  CI_REGISTRY: "quay.io",
  CI_REGISTRY_USER: "me",
  CI_REGISTRY_PASSWORD: "secret",
  CI_REGISTRY_IMAGE: "quay.io/me/app",
  CI_COMMIT_TAG: "1.0",
  TAG_NAME: "1.0",
};

type Value = Record<string, unknown>;

/** Lists the shell steps of a workflow of GitHub, GitLab or Tekton, in their order. */
function listSteps(value: unknown): ShellStep[] {
  if (Array.isArray(value)) return value.flatMap(listSteps);
  if (typeof value !== "object" || value === null) return [];
  const { run, script, uses, id, env, variables, args, with: inputs } = value as Value;
  const texts = (pairs: unknown): Environment =>
    Array.isArray(pairs)
      ? Object.fromEntries(pairs.map(({ name, value }) => [name, String(value)]))
      : Object.fromEntries(Object.entries(pairs ?? {}).map(([name, value]) => [name, String(value)]));
  if (run !== undefined || script !== undefined) {
    const lines = [run ?? script].flat().join("\n");
    return [{ id: id as string, script: lines, env: texts(env ?? variables), args: (args ?? []) as string[] }];
  }
  if (String(uses).startsWith("multiarch/manifests@")) {
    return [{ id: id as string, script: COMPOSE_STEP.run!, env: toStepVariables(texts(inputs)), args: [] }];
  }
  return Object.values(value).flatMap(listSteps);
}

/** Lists the shell steps of a declarative pipeline of Jenkins. */
function listJenkinsSteps(text: string): ShellStep[] {
  const env = Object.fromEntries(
    Array.from(text.matchAll(/^\s*([A-Z]+) = '([^']*)'$/gm), ([, name, value]) => [name!, value!]),
  );
  return Array.from(text.matchAll(/\bsh '''([^]+?)'''/g), ([, script]) => ({ script: script!, env, args: [] }));
}

/** Lists the workflows of a document, by the heading above each. */
function listWorkflows(markdown: string): { heading: string; steps: ShellStep[] }[] {
  return markdown.split(/^## /m).flatMap((section) => {
    const heading = section.split("\n")[0]!;
    const blocks = Array.from(section.matchAll(/^```(yaml|groovy)\n([^]*?)^```$/gm));
    const steps = blocks.flatMap(([, language, text]) =>
      language === "yaml" ? listSteps(parse(text!)) : listJenkinsSteps(text!)
    );
    return steps.length === 0 ? [] : [{ heading, steps: steps.filter(({ script }) => !/\bdocker /.test(script)) }];
  });
}

/** Puts a `deno` into the folder that finds the checkout instead of JSR, and `quay.io` in the registry of the test. */
async function writeDeno(folder: string): Promise<void> {
  const root = ROOT.pathname;
  const script = `#!/bin/sh
shift # run
for arg in "$@"; do
  shift
  case "$arg" in jsr:@multiarch/manifests/cli) arg='${root}src/cli/main.ts' ;; esac
  set -- "$@" "$arg"
done
exec '${Deno.execPath()}' run --no-prompt --quiet --config '${root}deno.json' \
  --preload '${root}tests/support/redirect_registries.ts' "$@"
`;
  await Deno.writeTextFile(`${folder}/deno`, script, { mode: 0o755 });
}

/** A run of a workflow: the values of its expressions, and the environment of its steps. */
class WorkflowRun {
  readonly #folder: string;
  readonly #env: Environment;
  readonly #images: readonly string[];
  readonly #expressions = new Map<string, string>([
    ["env.REPOSITORY", "quay.io/me/app"],
    ["steps.metadata.outputs.tags", "quay.io/me/app:1.0\nquay.io/me/app:latest"],
  ]);
  /** Standard output of all steps. */
  output = "";

  constructor(folder: string, env: Environment, images: readonly string[]) {
    this.#folder = folder;
    this.#env = env;
    this.#images = images;
  }

  async runStep(step: ShellStep): Promise<void> {
    const isBuild = Object.values(step.env).some((value) => value.includes("steps.build."));
    // Each job of the matrix built another image.
    for (const image of isBuild ? this.#images : this.#images.slice(0, 1)) {
      this.#expressions.set("steps.build.outputs.digest", image.slice(image.indexOf("@") + 1));
      const env = Object.fromEntries(Object.entries(step.env).map(([name, text]) => [name, this.#expand(text)]));
      const args = step.args.flatMap((arg) => arg === "$(params.IMAGES[*])" ? this.#images : [arg]);
      const set = args.length === 0 ? "" : `set -- ${args.join(" ")}\n`;
      // A job of GitLab gets the variables of the report that an earlier one wrote.
      const report = await Deno.readTextFile(`${this.#folder}/release.env`).catch(() => "");
      const variables = Object.fromEntries(
        report.split("\n").filter((line) => line).map((line) => line.split(/=(.*)/)),
      );
      const result = await runStep(set + step.script, this.#folder, { ...this.#env, ...env, ...variables });
      assert.equal(result.code, 0, result.stderr);
      this.output += result.stdout;
      for (const [name, value] of Object.entries(result.outputs)) {
        this.#expressions.set(`steps.${step.id}.outputs.${name}`, value);
      }
    }
  }

  /** Replaces the expressions of GitHub and Tekton. */
  #expand(text: string): string {
    return text
      .replaceAll(/\$\{\{ (.*?) \}\}/g, (_, name) => this.#expressions.get(name) ?? assert.fail(`no value of ${name}`))
      .replaceAll("$(params.IMAGE)", "quay.io/me/app:1.0")
      .replaceAll(/\$\(results\.(\w+)\.path\)/g, (_, name) => `${this.#folder}/${name}`);
  }
}

/** Files that a workflow leaves in its folder, and the output of its last step, by the end of its heading. */
const LEFT: Readonly<Record<string, { files?: Record<string, string>; output: string }>> = {
  "a matrix with digests": { output: "published REFERENCE\n" },
  GitLab: { output: "deploying REFERENCE\n" },
  Tekton: {
    files: { IMAGE_DIGEST: "DIGEST", IMAGE_URL: "quay.io/me/app:1.0", IMAGE_REF: "REFERENCE" },
    output: "REFERENCE\n",
  },
  Jenkins: { files: { digest: "DIGEST" }, output: "REFERENCE\n" },
};

const workflows = listWorkflows(await Deno.readTextFile(new URL("docs/ci.md", ROOT)));

Deno.test("docs/ci.md has a workflow for each system", () => {
  const headings = workflows.map(({ heading }) => Object.keys(LEFT).find((name) => heading.endsWith(name)));
  assert.deepEqual(headings, Object.keys(LEFT));
});

for (const { heading, steps } of workflows) {
  folderTest(`the workflow of docs/ci.md for ${heading} publishes an index of two images`, async (folder) => {
    await using registry = startEmbedded();
    const env = { ...await prepare(folder, registry.host), ...VARIABLES, REGISTRY_AUTH_FILE: `${folder}/auth.json` };
    // `docker/login-action` would have written it.
    await Deno.writeTextFile(env.REGISTRY_AUTH_FILE, "{}");
    await writeDeno(folder);
    const repository = clientOf(registry.host).repository("me/app");
    const images: string[] = [];
    for (const tag of ["1.0-amd64", "1.0-arm64"]) {
      images.push(`quay.io/me/app:${tag}@${(await repository.headManifest(tag))!.digest}`);
    }
    const run = new WorkflowRun(folder, env, images);
    for (const step of steps) await run.runStep(step);
    const { bytes, digest } = await repository.getManifest("1.0");
    const { manifests } = JSON.parse(new TextDecoder().decode(bytes));
    assert.deepEqual(
      manifests.map(({ digest }: { digest: string }) => digest),
      images.map((text) => text.split("@")[1]),
    );
    const left = LEFT[Object.keys(LEFT).find((name) => heading.endsWith(name))!]!;
    const expand = (text: string) => text.replace("REFERENCE", `quay.io/me/app@${digest}`).replace("DIGEST", digest);
    assert.ok(run.output.endsWith(expand(left.output)), run.output);
    for (const [file, text] of Object.entries(left.files ?? {})) {
      assert.equal(await Deno.readTextFile(`${folder}/${file}`), expand(text));
    }
  }, ["bash"]);
}
