/** The workflows of this repository: what they run, and with which permissions. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { ACTION } from "../support/action.ts";
import { exec, peerTest } from "../support/peers.ts";

const ROOT = new URL("../../", import.meta.url);

/** A job of a workflow; only the members that are read here. */
interface Job {
  readonly uses?: string;
  readonly needs?: string;
  readonly permissions?: Record<string, string>;
  readonly steps?: { readonly name?: string; readonly run?: string; readonly uses?: string }[];
}

/** A workflow; only the members that are read here. */
interface Workflow {
  readonly on: { readonly push?: { readonly tags?: string[] } };
  readonly permissions: Record<string, string>;
  readonly jobs: Record<string, Job>;
}

async function readWorkflow(name: string): Promise<Workflow> {
  return parse(await Deno.readTextFile(new URL(`.github/workflows/${name}`, ROOT)));
}

Deno.test("CI calls .ci/run, and a tag is published by a job of its own after CI", async () => {
  const ci = await readWorkflow("ci.yml");
  const publish = await readWorkflow("publish.yml");
  const scripts = (jobs: Record<string, Job>) =>
    Object.values(jobs).flatMap(({ steps = [] }) => steps.map(({ run }) => run));
  assert.ok(scripts(ci.jobs).some((run) => run?.includes(".ci/run")));
  assert.deepEqual(publish.on, { push: { tags: ["v*.*.*"] } });
  const { test, publish: job } = publish.jobs;
  assert.equal(test!.uses, "./.github/workflows/ci.yml");
  assert.equal(job!.needs, "test");
  // JSR trusts the job's identity. No other job has one.
  assert.deepEqual([ci.permissions, publish.permissions], [{ contents: "read" }, { contents: "read" }]);
  assert.deepEqual(job!.permissions, { contents: "read", "id-token": "write" });
  assert.match(scripts(publish.jobs).at(-1)!, /^deno publish/);
  for (const run of [...scripts(ci.jobs), ...scripts(publish.jobs)]) assert.doesNotMatch(run ?? "", /\$\{\{/);
});

Deno.test("the action, the workflows, the documents and .ci/run use the same version of Deno", async () => {
  const version = ACTION.inputs["deno-version"]!.default;
  for (
    const file of [".ci/run", ".github/workflows/publish.yml", "README.md", "docs/ci.md", "docs/getting-started.md"]
  ) {
    const text = await Deno.readTextFile(new URL(file, ROOT));
    const versions = text.matchAll(/deno(?:@|-version: |:)(\d[\d.]*\d)/g);
    assert.deepEqual([...new Set(Array.from(versions, ([, found]) => found))], [version], file);
  }
});

peerTest("only a tag that is the version of the package is published", ["jq"], async () => {
  const { jobs } = await readWorkflow("publish.yml");
  const script = jobs.publish!.steps!.find(({ name }) => name?.includes("version"))!.run!;
  const { version } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const run = (tag: string) => exec(["bash", "-c", `cd '${ROOT.pathname}' && ${script}`], { TAG: tag });
  assert.equal((await run(`v${version}`)).code, 0);
  for (const tag of [version, `v${version}.1`, "v9.9.9", "$(exit 0)"]) assert.equal((await run(tag)).code, 1, tag);
});
