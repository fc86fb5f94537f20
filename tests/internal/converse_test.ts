/** Subprocesses do not keep running, however `converse()` ends. */
import assert from "node:assert/strict";
import { converse } from "../../src/internal/host/room.ts";
import { openGpgKey } from "../../src/signature/gpg/room.ts";
import { loadCredentials } from "../../src/config/files/room.ts";
import { setVariables } from "../support/environment.ts";
import { folderTest } from "../support/folders.ts";
import { ok } from "../support/peers.ts";
import { HeldTimers } from "../support/timers.ts";

/** Program that ignores closed pipes and SIGTERM, and writes its process id to a file. */
const STUBBORN = (folder: string) => `trap '' TERM PIPE; echo $$ > "${folder}/pid"\n`;

/** Runs work with a program of this folder first in PATH. */
async function withProgram(folder: string, name: string, script: string, run: () => Promise<void>): Promise<void> {
  await Deno.writeTextFile(`${folder}/${name}`, `#!/bin/sh\n${script}`, { mode: 0o755 });
  using _path = setVariables({ PATH: `${folder}:${Deno.env.get("PATH")}` });
  await run();
}

/** Asserts that the process that wrote its id has ended. */
async function assertEnded(folder: string): Promise<void> {
  const pid = Number(await Deno.readTextFile(`${folder}/pid`));
  assert.throws(() => Deno.kill(pid, "SIGCONT"), Deno.errors.NotFound);
}

folderTest("a credential helper that answers too much is ended at once", async (folder) => {
  await Deno.writeTextFile(`${folder}/auth.json`, JSON.stringify({ credHelpers: { "a.test": "endless" } }));
  const script = `${STUBBORN(folder)}head -c 200000 /dev/zero\nexec sleep 100000`;
  await withProgram(folder, "docker-credential-endless", script, async () => {
    const asked = loadCredentials("a.test/x", { authFilePath: `${folder}/auth.json` });
    await assert.rejects(asked, { code: "CREDENTIAL_HELPER_FAILED", message: /more than 131072 bytes/ });
  });
  await assertEnded(folder);
});

folderTest("a credential helper that does not end is ended when its time is over", async (folder) => {
  await Deno.writeTextFile(`${folder}/auth.json`, JSON.stringify({ credHelpers: { "a.test": "silent" } }));
  await ok(["mkfifo", `${folder}/started`]);
  const script = `${STUBBORN(folder)}echo > "${folder}/started"\nexec sleep 100000`;
  using timers = new HeldTimers(30_000);
  await withProgram(folder, "docker-credential-silent", script, async () => {
    const asked = loadCredentials("a.test/x", { authFilePath: `${folder}/auth.json` });
    const rejected = assert.rejects(asked, { code: "CREDENTIAL_HELPER_FAILED", message: /within 30 seconds/ });
    await Deno.readTextFile(`${folder}/started`);
    timers.fire();
    await rejected;
  });
  await assertEnded(folder);
});

folderTest(
  "gpg is ended when the call is aborted, also if something that it started holds its pipes",
  async (folder) => {
    await ok(["mkfifo", `${folder}/started`]);
    const script = `${STUBBORN(folder)}sleep 100000 & echo $! > "${folder}/child"\necho > "${folder}/started"\nwait`;
    await withProgram(folder, "gpg", script, async () => {
      const controller = new AbortController();
      const opening = openGpgKey("0123456789", { signal: controller.signal });
      await Deno.readTextFile(`${folder}/started`);
      controller.abort(new Error("enough"));
      await assert.rejects(opening, { message: "enough" });
    });
    await assertEnded(folder);
    Deno.kill(Number(await Deno.readTextFile(`${folder}/child`)), "SIGKILL");
  },
);

folderTest("a process is ended if its input cannot be written or its output not be read", async (folder) => {
  const script = `${STUBBORN(folder)}echo ready; exec sleep 100000`;
  const spawn = () => {
    return new Deno.Command("sh", { args: ["-c", script], stdin: "piped", stdout: "piped", stderr: "null" }).spawn();
  };
  const broken = new TypeError("broken");
  // Errors after the process has started.
  const failing = (child: Deno.ChildProcess) =>
    child.stdout.pipeThrough(new TransformStream({ transform: () => Promise.reject(broken) }));
  const read = spawn();
  await assert.rejects(converse(read, { input: [], outputs: [failing(read)] }), broken);
  await assertEnded(folder);
  const written = spawn();
  const input = [5 as unknown as Uint8Array];
  await assert.rejects(converse(written, { input, outputs: [written.stdout] }), TypeError);
});
