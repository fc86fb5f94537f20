/** The command line as a single bundled file, and as the bundle that is published. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { bundleCommand, COMMAND_ENTRY, COMMAND_FLAGS } from "../../_tools/bundle_command.ts";
import { listFiles } from "../../_tools/list_files.ts";
import { bundle } from "../support/bundle.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf, makeImage, pushImage } from "../support/images.ts";
import { oddTar } from "../support/odd_tar.ts";
import { ok } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

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

/** Lists the files of a bundle that a command line loads, from the coverage data of V8. */
async function listLoadedFiles(folder: string, command: string[]): Promise<string[]> {
  const coverage = await Deno.makeTempDir({ prefix: "coverage-" });
  try {
    await ok(command, { DENO_COVERAGE_DIR: coverage });
    const urls = await Promise.all((await listFiles(coverage, "")).map(async (file) => {
      const { url }: { url: string } = JSON.parse(await Deno.readTextFile(`${coverage}/${file}`));
      return url;
    }));
    return urls.filter((url) => url.startsWith(`file://${folder}/`)).map((url) => new URL(url).pathname);
  } finally {
    await Deno.remove(coverage, { recursive: true });
  }
}

/** Prints to standard error, when the program ends, how many workers it started. */
const COUNT_WORKERS = `
let count = 0;
globalThis.Worker = class extends Worker { constructor(...args) { super(...args); count++; } };
const { exit } = Deno;
Deno.exit = (code) => { console.error(count > 0 ? "has workers" : "no workers"); exit(code); };
`;

folderTest("each command loads few files of the published bundle, which also has its workers", async (temporary) => {
  const folder = `${await Deno.realPath(temporary)}/bundle`;
  await bundleCommand(ROOT, folder);
  const notices = await Deno.readTextFile(`${folder}/NOTICES.txt`);
  for (const owner of ["Paul Miller", "Squirrel Chat", "Deno authors"]) assert.ok(notices.includes(owner), owner);

  await using registry = startEmbedded();
  const layers = [oddTar([{ name: "noise", content: new Uint8Array(randomBytes(1024 * 1024)) }])];
  await pushImage(clientOf(registry.host).repository("app"), makeImage({ architecture: "amd64", layers }), "1");
  const image = `docker://${registry.host}/app:1`;
  const command = [Deno.execPath(), "run", ...COMMAND_FLAGS, "--no-config", "--cached-only"];
  const entry = `${folder}/${COMMAND_ENTRY}`;
  const store = ["--root", `${temporary}/root`, "--runroot", `${temporary}/run`, "--storage-driver", "vfs"];
  // The numbers are those of today and a little more.
  const rows: [args: string[], maxFiles: number, maxBytes: number][] = [
    [["--version"], 12, 20_000],
    [[...store, "create", "list"], 75, 190_000],
    [[...store, "exists", "list"], 62, 150_000],
    [[...store, "inspect", "list"], 80, 210_000],
    [["inspect", "--tls-verify=false", image], 105, 320_000],
  ];
  for (const [args, maxFiles, maxBytes] of rows) {
    const files = await listLoadedFiles(folder, [...command, entry, ...args]);
    const texts = await Promise.all(files.map((file) => Deno.readTextFile(file)));
    const bytes = texts.reduce((sum, text) => sum + text.length, 0);
    const size = `${args.join(" ")}: ${files.length} files, ${bytes} bytes`;
    assert.ok(files.length > 5 && files.length <= maxFiles && bytes <= maxBytes, size);
    // Modules of Node take 10 to 40 ms.
    assert.deepEqual(texts.join("").match(/(from|import)"node:[^"]*"/g), null, args.join(" "));
  }
  const preload = `${temporary}/count.js`;
  await Deno.writeTextFile(preload, COUNT_WORKERS);
  const copy = ["copy", "--src-tls-verify=false", "--insecure-policy", "--quiet"];
  const copies = [["--compression-format", "zstd", image, `oci:${temporary}/out:1`]];
  // Only root can unpack layers.
  if (Deno.uid() === 0) copies.push([image, `containers-storage:[vfs@${temporary}/root+${temporary}/run]app:1`]);
  for (const args of copies) {
    const all = [...command, "--preload", preload, entry, ...copy, ...args];
    assert.deepEqual(await run(all), { ...ENDED_WELL, stderr: "has workers\n" }, args.join(" "));
  }
});
