/** The command line as a single bundled file. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { bundle } from "../support/bundle.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf, makeImage, pushImage } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";

/** Kills a command that hangs, so that the test fails instead of waiting forever. Each command takes about a second. */
const HANGS_MS = 120_000;

const ENDED_WELL = { code: 0, signal: null, stderr: "" };

async function run([program, ...args]: string[]): Promise<typeof ENDED_WELL> {
  const child = new Deno.Command(program!, { args, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), HANGS_MS);
  const [{ code, signal }, stderr] = await Promise.all([child.status, new Response(child.stderr).text()]);
  clearTimeout(timer);
  return { code, signal, stderr } as typeof ENDED_WELL;
}

folderTest("a single-file bundle of the command line creates, copies, recompresses and pushes", async (folder) => {
  const file = await bundle("src/cli/main.ts", folder, "deno");
  // A file with the name of the worker. It never reports that it is ready, so waiting for it would hang.
  await Deno.writeTextFile(`${folder}/worker.ts`, "setInterval(() => {}, 1000);");
  await using registry = startEmbedded();
  // Random bytes, enough for the command line to use workers.
  const layers = [new Uint8Array(randomBytes(1024 * 1024))];
  await pushImage(clientOf(registry.host).repository("app"), makeImage({ architecture: "amd64", layers }), "1");
  const image = `docker://${registry.host}/app:1`;
  const options = ["--tls-verify=false", "--insecure-policy", "--quiet"];
  const store = ["--root", `${folder}/root`, "--runroot", `${folder}/run`];
  const commands: string[][] = [
    ["copy", ...options, image, `oci:${folder}/copied:1`],
    ["copy", ...options, "--compression-format", "zstd", image, `oci:${folder}/compressed:1`],
    [...store, "create", "--tls-verify=false", "list", image],
    [...store, "push", "--tls-verify=false", "--quiet", "list", `docker://${registry.host}/app:list`],
    ["validate", "--tls-verify=false", `docker://${registry.host}/app:list`],
  ];
  for (const args of commands) {
    assert.deepEqual(await run([Deno.execPath(), "run", "-A", "--quiet", file, ...args]), ENDED_WELL, args.join(" "));
  }
});
