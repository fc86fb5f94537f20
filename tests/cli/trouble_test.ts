/** Behavior of commands when pipes, disks, stores or registries fail. */
import assert from "node:assert/strict";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { CLI, cli, cliOk } from "../support/cli.ts";
import { pushPlatforms } from "../support/images.ts";
import { folderTest } from "../support/folders.ts";
import { exec } from "../support/peers.ts";
import { serve, startEmbedded } from "../support/registries.ts";
import { makeStore, type TestStore } from "../support/stores.ts";

/** Runs a line of bash in which `m` is the command line under test. */
async function shell({ flags }: TestStore, line: string) {
  const command = [...CLI, ...flags].map((word) => `'${word}'`).join(" ");
  return await exec(["bash", "-o", "pipefail", "-c", `m() { ${command} "$@"; }; ${line}`], { NO_COLOR: "1" });
}

Deno.test("a closed pipe is not an error, and a full disk is reported", async () => {
  await using at = await makeStore();
  await cliOk([...at.flags, "create", "list"]);
  await Deno.writeTextFile(`${at.folder}/f`, "x");
  for (let i = 0; i < 3; i++) await cliOk([...at.flags, "annotate", "--index", "--annotation", `k${i}=v`, "list"]);
  const rows: [string, number, RegExp][] = [
    ["m inspect list | head -c 1 > /dev/null", 0, /^$/],
    ["m inspect list > /dev/full", 125, /^Error: .*No space left on device.*\n$/],
    ["m create other > /dev/full", 125, /^Error: .*No space left on device.*\n$/],
    ["m push -q --digestfile /dev/full list oci:" + at.folder + "/out", 125, /^Error: .*No space left on device.*\n$/],
    ["m push --digestfile /nowhere/d list oci:" + at.folder + "/none", 125, /^Error: .*\/nowhere\/d.*\n$/],
    ["m push list oci:" + at.folder + "/quiet 2> /dev/full", 0, /^$/],
    ["m inspect nothing@ 2> /dev/full", 125, /^$/],
    ["m --help | head -n 1", 0, /^$/],
  ];
  for (const [line, code, stderr] of rows) {
    const result = await shell(at, line);
    assert.equal(result.code, code, `${line}: ${JSON.stringify(result)}`);
    assert.match(result.stderr, stderr, line);
  }
  await assert.rejects(Deno.stat(`${at.folder}/none`), Deno.errors.NotFound);
});

Deno.test("retries of requests and of steps of a push are lines on stderr", async () => {
  await using at = await makeStore();
  const registry = createRegistry({ storage: createMemoryStorage() });
  const stumbled = new Set<string>();
  await using server = serve((request) => {
    const { pathname } = new URL(request.url);
    const key = `${request.method} ${pathname}`;
    const stumbles = key === "GET /v2/" || key.endsWith("/manifests/1");
    if (!stumbles || stumbled.has(key)) return registry.fetch(request);
    stumbled.add(key);
    return new Response("busy", { status: 503 });
  });
  const conf = `${at.folder}/containers.conf`;
  await Deno.writeTextFile(conf, '[engine]\nretry_delay = "1ms"\n');
  const env = { CONTAINERS_CONF: conf };
  const name = `docker://${server.host}/app:1`;
  await cliOk([...at.flags, "create", "list"]);
  const retry = /^Warning: (.*), retrying in 0 s \([12]\/3\)$/gm;
  const steps = (stderr: string) => Array.from(stderr.matchAll(retry), ([, text]) => text!.split(":")[0]);
  const push = [...at.flags, "push", "--tls-verify=false", "list", name];
  const pushed = await cli(push, env);
  assert.equal(pushed.code, 0, pushed.stderr);
  assert.deepEqual(steps(pushed.stderr), ["writing manifest list", "writing manifest list"], pushed.stderr);
  stumbled.clear();
  const inspected = await cli(["inspect", "--tls-verify=false", name], env);
  assert.equal(inspected.code, 0, inspected.stderr);
  assert.deepEqual(steps(inspected.stderr), [`looking for the registry ${server.host.split(":")[0]}`, "GET http"]);
  stumbled.clear();
  const quiet = await cli([...push, "--quiet"], env);
  assert.deepEqual([quiet.code, quiet.stderr], [0, ""]);
  stumbled.clear();
  const json = await cli([...push, "--progress", "json"], env);
  const events = json.stderr.trim().split("\n").map((line) => JSON.parse(line));
  const retried = events.filter(({ type }) => type === "retrying");
  assert.deepEqual(retried.map(({ attempt, maxRetries, delay }) => [attempt, maxRetries, delay]), [[1, 3, 1], [
    2,
    3,
    1,
  ]]);
});

Deno.test("unreadable stores and missing files are named", async () => {
  await using at = await makeStore();
  await cliOk([...at.flags, "create", "list"]);
  const images = `${at.root}/vfs-images/images.json`;
  const good = await Deno.readTextFile(images);
  const rows: [string[], RegExp][] = [
    [["add", "--artifact", "list", `${at.folder}/none`], new RegExp(`${at.folder}/none`)],
    [["add", "--artifact", "list", at.folder], /it is not a file/],
    [["add", "list", `oci-archive:${at.folder}/none`], /none/],
    [["push", "list", "dir:/proc/none/x"], /\/proc\/none/],
    [["push", "list", `oci:${images}`], /images\.json:: the path is not a folder/],
    [["add", "--artifact", "list", images, "--artifact-config", `${at.folder}/none`], /none/],
    [["push", "--sign-by", "x", "--sign-passphrase-file", `${at.folder}/none`, "list", "dir:/x"], /none/],
  ];
  for (const [args, stderr] of rows) {
    const result = await cli([...at.flags, ...args]);
    assert.deepEqual([result.code, result.stdout], [125, ""], args.join(" "));
    assert.match(result.stderr, stderr);
  }
  await Deno.writeTextFile(images, "{");
  for (const args of [["inspect", "list"], ["create", "x"], ["ls"], ["rm", "list"]]) {
    const result = await cli([...at.flags, ...args]);
    assert.deepEqual([result.code, /images\.json/.test(result.stderr)], [125, true], result.stderr);
  }
  await Deno.writeTextFile(images, good);
  const file = await cli(["--root", images, "--runroot", at.runRoot, "--storage-driver", "vfs", "create", "x"]);
  assert.deepEqual([file.code, file.stderr.includes("images.json")], [125, true], file.stderr);
  await cliOk([...at.flags, "exists", "list"]);
});

const INTERRUPTED = "Interrupted: cleaning up; a second signal exits at once\n";

/** Interrupts a push to a registry that then answers neither the upload nor its cancellation. */
async function interruptPush(
  program: readonly string[],
  then: (child: Deno.ChildProcess, cleaning: Promise<void>) => unknown,
) {
  await using at = await makeStore();
  await using registry = startEmbedded();
  await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }]);
  await cliOk([...at.flags, "create", "--tls-verify=false", "list", `${registry.host}/app:amd64`]);
  const [uploading, cleaning, end] = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  await using slow = serve(async (request) => {
    const { method, url } = request;
    if (url.endsWith("/v2/")) return new Response("");
    if (method === "HEAD") return new Response("", { status: 404 });
    if (method === "POST") return new Response("", { status: 202, headers: { location: "/v2/x/blobs/uploads/1" } });
    (method === "DELETE" ? cleaning : uploading)!.resolve();
    await end!.promise;
    return new Response("", { status: 404 });
  });
  const args = [...program.slice(1), ...at.flags, "push", "-q", "--tls-verify=false", "list", `${slow.host}/x:1`];
  const child = new Deno.Command(program[0]!, { args, stderr: "piped", stdout: "null" }).spawn();
  await uploading!.promise;
  child.kill("SIGINT");
  await then(child, cleaning!.promise);
  const { code, stderr } = await child.output();
  end!.resolve();
  return [code, new TextDecoder().decode(stderr)];
}

Deno.test("a second Ctrl-C ends the command without cleaning up", async () => {
  const again = async (child: Deno.ChildProcess, cleaning: Promise<void>) => {
    // The command is cancelling the upload, and the registry does not answer.
    await cleaning;
    child.kill("SIGINT");
  };
  assert.deepEqual(await interruptPush(CLI, again), [130, INTERRUPTED]);
});

folderTest("cleaning up has a time limit", async (folder) => {
  const run = new URL("../../src/cli/run.ts", import.meta.url);
  const script = `import { run } from "${run}"; Deno.exit(await run(Deno.args, "", { cleanupTimeout: 1 }));`;
  await Deno.writeTextFile(`${folder}/main.ts`, script);
  const result = await interruptPush([...CLI.slice(0, -1), `${folder}/main.ts`], () => {});
  assert.deepEqual(result, [130, `${INTERRUPTED}Error: interrupted: cleaning up took longer than 0.001 s\n`]);
});

Deno.test("an interrupted create does not change the store", async () => {
  await using at = await makeStore();
  const [asked, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using slow = serve(async ({ url }) => {
    if (url.endsWith("/v2/")) return new Response("");
    asked.resolve();
    await end.promise;
    return new Response("", { status: 404 });
  });
  const args = [...CLI.slice(1), ...at.flags, "create", "--tls-verify=false", "list", `${slow.host}/x:1`];
  const child = new Deno.Command(CLI[0]!, { args, stderr: "piped", stdout: "piped" }).spawn();
  await asked.promise;
  child.kill("SIGINT");
  const { code, stdout, stderr } = await child.output();
  end.resolve();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.deepEqual([code, text(stdout), text(stderr)], [130, "", `${INTERRUPTED}Error: interrupted\n`]);
  assert.equal((await at.store.listImages()).length, 0);
});

Deno.test("messages of a registry cannot control the terminal", async () => {
  await using hostile = serve(({ url }) => {
    if (url.endsWith("/v2/")) return new Response("");
    const errors = [{ code: "DENIED", message: "\x1b[2Jgone\x07" }];
    return new Response(JSON.stringify({ errors }), { status: 403, headers: { "content-type": "application/json" } });
  });
  const { code, stderr } = await cli(["inspect", "--tls-verify=false", `docker://${hostile.host}/x:1`]);
  assert.equal(code, 125);
  assert.match(stderr, /gone/);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(stderr, /[\x00-\x09\x0b-\x1f]/);
});

Deno.test("warnings of a registry are printed once, after all other output", async () => {
  const registry = createRegistry({ storage: createMemoryStorage() });
  await using warning = serve(async (request) => {
    const response = await registry.fetch(request);
    response.headers.append("warning", '299 - "this registry closes on Friday"');
    return response;
  });
  await pushPlatforms(warning.host, "app", [{ architecture: "amd64" }]);
  await using at = await makeStore();
  const { code, stderr } = await cli([...at.flags, "create", "--tls-verify=false", "app", `${warning.host}/app:amd64`]);
  assert.deepEqual([code, stderr], [0, `Warning: ${warning.host}: this registry closes on Friday\n`]);
});
