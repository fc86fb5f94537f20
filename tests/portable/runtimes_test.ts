/** The portable faces under Node and Bun, as one module that a bundler made. */
import assert from "node:assert/strict";
import { bundle } from "../support/bundle.ts";
import { folderTest } from "../support/folders.ts";
import { ok } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { compress } from "./work.ts";
import { workHere } from "./work_here.ts";

/** Commands that run a file. The oldest supported Node is the machine's; npm has the others. */
const RUNTIMES: Readonly<Record<string, readonly string[]>> = {
  "Node 20": ["node"],
  "Node 24": ["npx", "-y", "node@24.21.0"],
  "Bun 1.4": ["npx", "-y", "bun@1.4.5"],
};
const NAMES = Object.keys(RUNTIMES).join(", ");

/** Results that a runtime reports about the job. */
interface Outcome {
  readonly report: unknown;
  readonly codes: readonly string[];
  readonly hasZstd: boolean;
}

/** Runs both parts of the job. Each has registries of its own, which must not have answered with errors. */
async function runJob(command: readonly string[], job: string, folder: string): Promise<Outcome> {
  await using from = startEmbedded();
  await using to = startEmbedded();
  const hosts = JSON.stringify({ from: from.host, to: to.host });
  const program = `${folder}/program.mjs`;
  await Deno.writeTextFile(
    program,
    `import * as zlib from "node:zlib";
    import { compress, work } from ${JSON.stringify(job)};
    const [report, codes] = [await work(${hosts}), await compress(${hosts})];
    console.log(JSON.stringify({ report, codes, hasZstd: "createZstdCompress" in zlib }));`,
  );
  const outcome = JSON.parse(await ok([...command, program]));
  assert.deepEqual([from.errors, to.errors], [[], []]);
  return outcome;
}

folderTest(`the portable exports have the same results under ${NAMES} as under Deno`, async (folder) => {
  const job = await bundle("tests/portable/work.ts", folder, "node20");
  await using from = startEmbedded();
  await using to = startEmbedded();
  const report = await workHere();
  const [gzip, zstd] = await compress({ from: from.host, to: to.host });
  for (const [name, command] of Object.entries(RUNTIMES)) {
    const outcome = await runJob(command, job, folder);
    assert.deepEqual(outcome.report, report, name);
    // A runtime that cannot compress says so with a code.
    assert.deepEqual(outcome.codes, [gzip, outcome.hasZstd ? zstd : "COMPRESSION_NOT_SUPPORTED"], name);
  }
}, ["node", "npx"]);
