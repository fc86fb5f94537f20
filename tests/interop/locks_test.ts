/** Our locks against those of other programs: Python stands in for whatever holds a POSIX record lock. */
import assert from "node:assert/strict";
import { create } from "../../mod.ts";
import { lockFile } from "../../src/store/lock/file_lock.ts";
import { type CommandResult, exec, peerTest } from "../support/peers.ts";
import { makeStore } from "../support/stores.ts";
import { abortOnWait } from "../support/timers.ts";

/** Holds a classic fcntl lock, says so, and gives it back when its standard input closes. */
const HOLDER = `
import fcntl, sys
f = open(sys.argv[1], "r+")
fcntl.lockf(f, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
`;

/** Tries once to take a classic fcntl lock. */
const TRIER = `
import fcntl, sys
f = open(sys.argv[1], "r+")
try:
    fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    print("free")
except OSError:
    print("taken")
`;

const tryLock = async (path: string) => (await exec(["python3", "-c", TRIER, path])).stdout.trim();

peerTest("a fcntl lock held by another program blocks ours", ["python3"], async () => {
  await using at = await makeStore();
  await create().saveToImage(at.store, { names: ["a"] });
  const path = `${at.root}/vfs-images/images.lock`;
  const holder = new Deno.Command("python3", { args: ["-c", HOLDER, path], stdin: "piped", stdout: "piped" }).spawn();
  const output = holder.stdout.getReader();
  await output.read();
  let saved = false;
  const saving = create().saveToImage(at.store, { names: ["b"] }).then(() => (saved = true));
  await assert.rejects(lockFile(path, { mode: "shared", exclusive: true, signal: abortOnWait() }), {
    name: "TimeoutError",
  });
  assert.equal(saved, false);
  await holder.stdin.close();
  await saving;
  await output.cancel();
  await holder.status;
  assert.ok(saved);
});

peerTest(
  "our lock blocks a fcntl lock of another program, also after we open and close the file again",
  ["python3"],
  async () => {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/lock`;
    {
      using _held = await lockFile(path, { mode: "shared", exclusive: true });
      await Deno.readFile(path);
      assert.equal(await tryLock(path), "taken");
    }
    assert.equal(await tryLock(path), "free");
    {
      using _one = await lockFile(path, { mode: "shared", exclusive: false });
      using _two = await lockFile(path, { mode: "shared", exclusive: false });
      assert.equal(await tryLock(path), "taken");
      const signal = abortOnWait();
      await assert.rejects(lockFile(path, { mode: "shared", exclusive: true, signal }), { name: "TimeoutError" });
    }
    assert.equal(await tryLock(path), "free");
    await Deno.remove(folder, { recursive: true });
  },
);

/** Reads the kernel's table of locks until a process waits for one on a file; fails if `process` ends before. */
async function untilWaitedFor(inode: number, process: Promise<unknown>): Promise<void> {
  let hasEnded = false;
  process.then(() => hasEnded = true);
  const waiter = new RegExp(`^\\d+: +-> .*:${inode} `, "m");
  while (!waiter.test(await Deno.readTextFile("/proc/locks"))) assert.ok(!hasEnded, "it ended without waiting");
}

peerTest("buildah waits for our lock", ["buildah"], async () => {
  await using at = await makeStore();
  await create().saveToImage(at.store, { names: ["a"] });
  const path = `${at.root}/vfs-images/images.lock`;
  let listing: Promise<CommandResult>;
  {
    using held = await lockFile(path, { mode: "shared", exclusive: true });
    listing = exec(["buildah", ...at.flags, "images"]);
    await untilWaitedFor((await held.file.stat()).ino!, listing);
  }
  assert.equal((await listing).code, 0);
});

Deno.test("two spellings of one lock file are one lock", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/real`);
  await Deno.symlink(`${folder}/real`, `${folder}/link`);
  {
    using _held = await lockFile(`${folder}/real/lock`, { mode: "shared", exclusive: true });
    const signal = abortOnWait();
    await assert.rejects(lockFile(`${folder}/link/lock`, { mode: "deno-only", exclusive: true, signal }), {
      name: "TimeoutError",
    });
  }
  await Deno.remove(folder, { recursive: true });
});
