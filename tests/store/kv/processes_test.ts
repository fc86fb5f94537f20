/** Many processes use one KV store: no change is lost, and a killed or stalled process does no damage. */
import assert from "node:assert/strict";
import { create, editList, loadFromImage } from "../../../mod.ts";
import { openKvStore } from "../../../src/store/kv/room.ts";
import type { ImageStore } from "../../../src/store/room.ts";
import { folderTest } from "../../support/folders.ts";
import {
  checkKvStore,
  firstOutput,
  getEntries,
  instanceDigest,
  killAll,
  openKvFile,
  outcomeOf,
  spawnKvWorker,
} from "../../support/kv.ts";

/**
 * Duration of a lease in milliseconds: long enough on a busy machine, and short enough to wait for a killed process.
 */
const LEASE = 500;

/** Defines a test with a store in a file that has the list "app". */
function kvTest(name: string, fn: (at: { path: string; kv: Deno.Kv; store: ImageStore }) => Promise<void>): void {
  folderTest(name, async (folder) => {
    const path = `${folder}/kv.sqlite`;
    using kv = await openKvFile(path);
    await using store = await openKvStore(kv, { leaseDuration: LEASE });
    await create().saveToImage(store, { names: ["app"] });
    await fn({ path, kv, store });
  });
}

kvTest("forty processes add one instance each, and none is lost", async ({ path, kv, store }) => {
  const numbers = Array.from({ length: 40 }, (_, i) => i + 1);
  // On a busy machine a waiting process must not lose its lease.
  await Promise.all(numbers.map((n) => outcomeOf(spawnKvWorker(path, "15000", "add", `${n}`))));
  const { list } = await loadFromImage(store, "app");
  assert.deepEqual(list.instances().toSorted(), numbers.map(instanceDigest));
  await checkKvStore(kv);
  for (const kind of ["lock", "lease"]) assert.deepEqual(await getEntries(kv, kind), []);
});

/** Describes the list and the names in its store. */
async function describeState(store: ImageStore): Promise<string> {
  const { list, imageId } = await loadFromImage(store, "app");
  const large = list.annotations(undefined).large ? " large" : "";
  const other = await store.findImage("localhost/new:latest");
  return `${list.size}${large}${other ? (other.image.id === imageId ? " renamed" : " other") : ""}`;
}

kvTest("kill -9 at each step of every change leaves the old store or the new", async ({ path, kv, store }) => {
  const changes: [task: string, before: string, after: string][] = [
    ["edit", "0", "1"],
    ["grow", "1", "1 large"],
    ["createLarge", "1 large", "1 large other"],
    ["shrink", "1 large other", "1 other"],
    ["rename", "1 other", "1 renamed"],
  ];
  for (const [task, before, after] of changes) {
    let state = before, killed = 0;
    assert.equal(await describeState(store), before);
    for (let step = 1; state === before; step++) {
      const steps = await outcomeOf(spawnKvWorker(path, `${LEASE}`, task, `${step}`));
      killed += steps === undefined ? 1 : 0;
      state = await describeState(store);
      assert.ok(state === before || state === after, `${task}, step ${step}: ${state}`);
      await checkKvStore(kv);
      // So that the next process takes as many steps, and does not wait for the lease of the killed one.
      for (const { key } of await getEntries(kv, "lock")) await kv.delete(key);
    }
    assert.ok(killed > 3, `${task} was killed ${killed} times`);
  }
});

kvTest(
  "processes that are killed while they work leave a store that others go on with",
  async ({ path, kv, store }) => {
    for (let round = 0; round < 3; round++) {
      const workers = [1, 2, 3].map((i) => spawnKvWorker(path, `${LEASE}`, "churn", `${1000 * (3 * round + i)}`));
      // Each process has made its first changes, or waits for the lock.
      await Promise.all(workers.map(firstOutput));
      await killAll(workers);
      await checkKvStore(kv);
      await loadFromImage(store, "app");
    }
    await editList(store, "app", (list) => list.clearAnnotations(undefined));
    await checkKvStore(kv);
  },
);

kvTest("a process that stalls under a lock loses it and can no longer write", async ({ path, kv, store }) => {
  const worker = spawnKvWorker(path, `${LEASE}`, "stall", "");
  await firstOutput(worker);
  worker.kill("SIGSTOP");
  await editList(store, "app", (list) => void list.addInstance({ digest: instanceDigest(1), size: 1, mediaType: "m" }));
  worker.kill("SIGCONT");
  assert.equal(await outcomeOf(worker), "LOCK_UNAVAILABLE");
  assert.deepEqual((await loadFromImage(store, "app")).list.instances(), [instanceDigest(1)]);
  await checkKvStore(kv);
});
