/** Handlers in several processes on one database, and real registries. */
import assert from "node:assert/strict";
import { inspectIndex, validateIndex } from "../../src/system/remote/room.ts";
import { bearerTokens, createHandler } from "../../src/service/room.ts";
import { folderTest } from "../support/folders.ts";
import { call, TOKEN } from "../support/handlers.ts";
import { pushPlatforms } from "../support/images.ts";
import { KV_URL, openKvFile, openTestKv, outcomeOf, spawnWorker } from "../support/kv.ts";
import { ok } from "../support/peers.ts";
import { startDockerRegistry, startEmbedded, type TestRegistry } from "../support/registries.ts";
import { startRelay } from "../support/relay.ts";
import { platformTexts } from "../support/platform_texts.ts";

// The sanitizers of Deno are off by default.
Deno.test.sanitizer({ ops: true, resources: true });

const ARCHITECTURES = ["amd64", "arm64", "s390x", "ppc64le", "riscv64", "386", "mips64le", "loong64"];
const PLATFORMS = ARCHITECTURES.map((architecture) => `linux/${architecture}`);
const WORKERS = 8, REPORTS_EACH = 5;
/** Database that all workers use, and their number. */
interface Shared {
  readonly database: string;
  readonly workers?: number;
}

/** Lets workers report eight platforms, each five times by different workers; checks that they publish once. */
async function reportTogether(registry: TestRegistry, { database, workers: count = WORKERS }: Shared): Promise<string> {
  const digests = await pushPlatforms(registry.host, "app", ARCHITECTURES.map((architecture) => ({ architecture })));
  await using relay = startRelay(registry.host, () => undefined);
  using _kv = await openKvFile(database);
  const target = `${relay.host}/app:1`;
  const report = (i: number) => ({ target, run: "1", expected: PLATFORMS, platform: PLATFORMS[i], digest: digests[i] });
  const workers = Array.from({ length: count }, (_, worker) => {
    const reports = Array.from({ length: REPORTS_EACH }, (_, i) => report((worker * 3 + i) % PLATFORMS.length));
    return spawnWorker("fan_in_worker.ts", database, relay.host, JSON.stringify(reports));
  });
  const outcomes = await Promise.all(workers.map(outcomeOf));
  const answers = outcomes.flatMap((outcome) => JSON.parse(outcome!) as [number, string][]);
  assert.equal(answers.length, count * REPORTS_EACH);
  assert.deepEqual(answers.filter(([status]) => status !== 200), []);
  assert.ok(answers.some(([, state]) => state === "published"));
  const writes = relay.requests.filter((line) => line.startsWith("PUT /v2/app/manifests/1 "));
  assert.equal(writes.length, 1);
  const systemContext = { dockerInsecureSkipTlsVerify: true };
  const { instances, digest } = await inspectIndex(target, { systemContext });
  assert.deepEqual(platformTexts(instances), PLATFORMS);
  assert.deepEqual((await validateIndex(target, { systemContext })).problems, []);
  return digest;
}

folderTest("forty reports of eight platforms by eight processes publish one index, once", async (folder) => {
  await using registry = startEmbedded();
  await reportTogether(registry, { database: `${folder}/kv.sqlite` });
});

const database = KV_URL;
if (database !== undefined) {
  Deno.test("three services on one database server publish one index, once", async () => {
    await using registry = startEmbedded();
    using _kv = await openTestKv();
    await reportTogether(registry, { database, workers: 3 });
  });
}

folderTest("… to a real registry, where real tools read it", async (folder) => {
  await using registry = await startDockerRegistry();
  const digest = await reportTogether(registry, { database: `${folder}/kv.sqlite` });
  const image = `docker://${registry.host}/app:1`;
  const { manifests } = JSON.parse(await ok(["skopeo", "inspect", "--tls-verify=false", "--raw", image]));
  assert.equal(manifests.length, PLATFORMS.length);
  const choose = ["--override-os", "linux", "--override-arch", "riscv64"];
  const inspected = JSON.parse(await ok(["skopeo", ...choose, "inspect", "--tls-verify=false", image]));
  assert.deepEqual([inspected.Architecture, inspected.Digest], ["riscv64", digest]);
}, ["docker-registry", "skopeo"]);

folderTest("after kill -9 at any step of publishing, the next report finishes the work", async (folder) => {
  await using registry = startEmbedded();
  const platforms = PLATFORMS.slice(0, 3);
  const digests = await pushPlatforms(
    registry.host,
    "app",
    ARCHITECTURES.slice(0, 3).map((architecture) => ({ architecture })),
  );
  await using relay = startRelay(registry.host, () => undefined);
  const database = `${folder}/kv.sqlite`;
  using kv = await openKvFile(database);
  let clock = 0;
  const handler = createHandler({
    authorize: bearerTokens([{ token: TOKEN }]),
    targets: [`${relay.host}/app`],
    systemContext: { dockerInsecureSkipTlsVerify: true },
    kv,
    now: () => Date.now() + clock,
  });
  const killed: number[] = [];
  for (let step = 3;; step += 4) {
    const report = (i: number) => ({
      target: `${relay.host}/app:${step}`,
      run: "1",
      expected: platforms,
      platform: platforms[i],
      digest: digests[i],
    });
    clock = 0;
    for (const i of [0, 1]) await call(handler, "/fan-in", { body: report(i) });
    const worker = spawnWorker("fan_in_worker.ts", database, relay.host, JSON.stringify([report(2)]), `${step}`);
    if (await outcomeOf(worker) === undefined) killed.push(step);
    // Lets the lease of the killed worker expire.
    clock = 90_000;
    const { status, body } = await call(handler, "/fan-in", { body: report(2) });
    assert.deepEqual([status, body.state], [200, "published"], `step ${step}`);
    const writes = relay.requests.filter((line) => line.startsWith(`PUT /v2/app/manifests/${step} `));
    assert.equal(writes.length, 1, `step ${step}`);
    if (killed.at(-1) !== step) break;
  }
  assert.ok(killed.length > 4, `${killed}`);
});
