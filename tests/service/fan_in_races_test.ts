/** Runs and tags that others change at the same time: newer content is never overwritten. */
import { abortable } from "../../src/internal/room.ts";
import assert from "node:assert/strict";
import { digestOf } from "../../src/spec/room.ts";
import type { Run } from "../../src/service/fan_in/run.ts";
import { Runs } from "../../src/service/fan_in/runs.ts";
import { type Answer, assertRefused, call } from "../support/handlers.ts";
import { fanInTest, type FanInWorld, getRun, type Handler, PLATFORMS, TARGET } from "../support/fan_in.ts";
import { HeldTimers } from "../support/timers.ts";

// The sanitizers of Deno are off by default.
Deno.test.sanitizer({ ops: true, resources: true });

fanInTest("a tag that another writer changed after the plan is not overwritten", async (at) => {
  let interfere = true;
  const fetch = async (request: Request) => {
    if (interfere && request.method === "PUT" && request.url.endsWith("/manifests/1")) {
      interfere = false;
      const { bytes } = await at.world.repository().getManifest("amd64");
      await at.world.repository().putManifest("1", bytes);
    }
    return await at.world.fetch(request);
  };
  const handler = at.handler({ systemContext: { fetch } });
  assertRefused(await at.reportAll(handler), 409, "SUPERSEDED");
  const { body } = await getRun(handler);
  assert.deepEqual([body.state, body.error.code, body.digest], ["superseded", "SUPERSEDED", undefined]);
  assertRefused(await call(handler, "/fan-in", { body: at.report(PLATFORMS[0]!) }), 409, "SUPERSEDED");
  assert.equal(await at.world.digestAt("1"), at.world.digests.get("linux/amd64"));
  assert.equal((await at.reportAll(handler, "2")).body.state, "published");
});

/** Two builds for one tag that differ in their image for amd64. */
async function makeBuilds(at: FanInWorld) {
  const digests = new Map([["new", at.world.digests.get("linux/amd64")!]]);
  digests.set("old", await at.world.push({ architecture: "amd64", layers: [] }));
  return async (handler: Handler, run: "old" | "new", platform: string) => {
    const more = platform === "linux/amd64" ? { run, digest: digests.get(run) } : { run };
    return await call(handler, "/fan-in", { body: at.report(platform, more) });
  };
}

const [FIRST, SECOND, THIRD] = PLATFORMS as [string, string, string];

fanInTest("a run that began before a published run is not published", async (at) => {
  const handler = at.handler();
  const send = await makeBuilds(at);
  await send(handler, "old", FIRST);
  await send(handler, "old", SECOND);
  for (const platform of PLATFORMS) await send(handler, "new", platform);
  const published = await at.world.digestAt("1");
  // A third run only records its plan, which must not remove the release of the second.
  const layers = [new Uint8Array(1024)];
  const digest = await at.world.push({ architecture: "amd64", layers });
  const fetch = (request: Request) =>
    request.method === "PUT" ? Promise.resolve(new Response(null, { status: 403 })) : at.world.fetch(request);
  const refused = at.handler({ systemContext: { fetch } });
  await at.reportAll(refused, "third", [SECOND, THIRD]);
  const third = at.report(FIRST, { run: "third", digest });
  assertRefused(await call(refused, "/fan-in", { body: third }), 502, "DENIED");
  assertRefused(await send(handler, "old", THIRD), 409, "SUPERSEDED");
  assert.deepEqual([await at.world.digestAt("1"), at.world.countWrites("1")], [published, 1]);
  assert.equal((await getRun(handler, "new")).body.state, "published");
});

fanInTest("a run that began later overwrites an earlier run, even if that was faster at the end", async (at) => {
  const handler = at.handler();
  const send = await makeBuilds(at);
  for (const run of ["old", "new"] as const) for (const platform of [FIRST, SECOND]) await send(handler, run, platform);
  let between: Answer | undefined;
  const fetch = async (request: Request) => {
    const writes = request.method === "PUT" && request.url.endsWith("/manifests/1");
    if (writes && !between) between = await send(handler, "old", THIRD);
    return await at.world.fetch(request);
  };
  const { body } = await send(at.handler({ systemContext: { fetch } }), "new", THIRD);
  assert.deepEqual([between?.body.state, body.state], ["published", "published"]);
  assert.notEqual(between?.body.digest, body.digest);
  assert.equal(await at.world.digestAt("1"), body.digest);
  assert.equal((await getRun(handler, "old")).body.state, "published");
});

fanInTest("an earlier run that writes late to a registry without conditional requests is overwritten", async (at) => {
  const unconditional = (request: Request) => {
    for (const header of ["if-match", "if-none-match"]) request.headers.delete(header);
    return at.world.fetch(request);
  };
  const isTag = ({ method, url }: Request) => method === "PUT" && url.endsWith("/manifests/1");
  const stalled = Promise.withResolvers<void>(), goOn = Promise.withResolvers<void>();
  const slow = at.handler({
    systemContext: {
      fetch: async (request: Request) => {
        if (isTag(request)) {
          stalled.resolve();
          await goOn.promise;
        }
        return await unconditional(request);
      },
    },
  });
  const fast = at.handler({
    systemContext: {
      fetch: async (request: Request) => {
        const response = await unconditional(request);
        // Only after the answer has been read.
        if (isTag(request)) setTimeout(() => goOn.resolve());
        return response;
      },
    },
  });
  const send = await makeBuilds(at);
  for (const run of ["old", "new"] as const) for (const platform of [FIRST, SECOND]) await send(fast, run, platform);
  const old = send(slow, "old", THIRD);
  await stalled.promise;
  const { body } = await send(fast, "new", THIRD);
  await old;
  assert.deepEqual([body.state, await at.world.digestAt("1")], ["published", body.digest]);
});

fanInTest("a request that finishes a run whose tag is already written only reads the tag", async (at) => {
  using timers = new HeldTimers(12_345);
  const fetch = async (request: Request) => {
    const response = await at.world.fetch(request);
    if (request.method !== "PUT") return response;
    // The request times out after the tag is written, but before the handler gets the answer.
    timers.fire();
    return await abortable(new Promise<never>(() => {}), request.signal);
  };
  await at.reportAll(at.handler(), "1", [FIRST, SECOND]);
  const mortal = at.handler({ systemContext: { fetch }, limits: { requestTimeout: 12_345 } });
  assertRefused(await call(mortal, "/fan-in", { body: at.report(THIRD) }), 504, "TIMEOUT");
  at.now += 60_000;
  const before = at.world.requests.length;
  assert.equal((await getRun(at.handler())).body.state, "published");
  assert.deepEqual(at.world.requests.slice(before), ["GET /v2/", "GET /v2/app/manifests/1"]);
});

fanInTest(
  "runs that begin and plan at the same time get different sequence numbers, and all plans are kept",
  async ({ kv }) => {
    const runs = new Runs({ kv, prefix: ["test"], lifetime: 1000, maxOpen: 1000, now: () => 0 });
    const names = Array.from({ length: 10 }, (_, i) => `${i}`);
    const about = { target: TARGET, tags: [], expected: PLATFORMS, annotations: {} };
    const report = { ...about, platforms: [FIRST], image: "", replace: false, by: "me", at: 0 };
    const begun = await Promise.all(
      names.map(async (run) => (await runs.report({ ...report, run }, (begun) => begun)).run),
    );
    const planOf = ({ orders }: Run) => ({
      before: { 1: null },
      digest: digestOf(new Uint8Array([orders[1]!])),
    });
    await Promise.all(begun.map((run) => runs.plan(run, planOf(run), (planned) => planned!)));
    const releases = (await runs.releases([TARGET]))[0]!.toSorted((a, b) => a.order - b.order);
    const expected = names.map((name) => Number(name) + 1).map((order) => ({
      order,
      digest: digestOf(new Uint8Array([order])),
    }));
    assert.deepEqual(releases, expected);
  },
);

fanInTest("concurrent reports, each repeated and to several handlers, publish once", async (at) => {
  const handlers = [at.handler(), at.handler(), at.handler()];
  for (let run = 0; run < 20; run++) {
    const sent = handlers.flatMap((handler) => [...PLATFORMS, ...PLATFORMS].map((platform) => ({ handler, platform })));
    const answers = await Promise.all(
      sent.map(({ handler, platform }) => call(handler, "/fan-in", { body: at.report(platform, { run: `${run}` }) })),
    );
    assert.deepEqual(answers.filter(({ status }) => status !== 200), []);
    assert.equal((await getRun(handlers[0]!, `${run}`)).body.state, "published");
    assert.equal(at.world.countWrites("1"), 1);
  }
});

fanInTest("a tag that already has the index is not written again", async (at) => {
  const handler = at.handler();
  const { body } = await at.reportAll(handler);
  const again = await at.reportAll(handler, "2");
  assert.deepEqual([again.body.state, again.body.digest, at.world.countWrites("1")], ["published", body.digest, 1]);
});

/** Makes a handler stall while it publishes. Returns a function that lets it continue, and its answer. */
async function stallPublishing(at: FanInWorld, answer: (request: Request) => Promise<Response>) {
  const stalled = Promise.withResolvers<void>(), goOn = Promise.withResolvers<void>();
  let isDown = true;
  const fetch = async (request: Request) => {
    // Down at first, so that the check of the report is skipped and only publishing stalls.
    if (isDown) return new Response(null, { status: request.url.endsWith("/v2/") ? 200 : 500 });
    if (!request.url.includes("/blobs/")) return await at.world.fetch(request);
    stalled.resolve();
    await goOn.promise;
    return await answer(request);
  };
  await at.reportAll(at.handler(), "1", [FIRST, SECOND]);
  const slow = at.handler({ systemContext: { fetch } });
  assertRefused(await call(slow, "/fan-in", { body: at.report(THIRD) }), 502, "REGISTRY_ERROR");
  isDown = false;
  const last = call(slow, "/fan-in", { body: at.report(THIRD) });
  await stalled.promise;
  return { last, goOn: () => goOn.resolve() };
}

fanInTest("a publisher keeps its lease; a stalled publisher is replaced, and writes nothing", async (at) => {
  const { last, goOn } = await stallPublishing(at, at.world.fetch);
  const handler = at.handler();
  for (const platform of PLATFORMS) {
    assert.equal((await call(handler, "/fan-in", { body: at.report(platform) })).body.state, "publishing");
  }
  at.now += 29_999;
  assert.equal((await getRun(handler)).body.state, "publishing");
  at.now += 1;
  assert.equal((await getRun(handler)).body.state, "published");
  const before = at.world.requests.length;
  goOn();
  assert.deepEqual((await last).body, (await getRun(handler)).body);
  assert.deepEqual(at.world.requests.slice(before).filter((request) => request.includes("/manifests/1")), []);
  assert.equal(at.world.countWrites("1"), 1);
});

fanInTest("the failure of a replaced publisher does not change a published run", async (at) => {
  const { last, goOn } = await stallPublishing(at, () => Promise.resolve(new Response(null, { status: 404 })));
  at.now += 30_000;
  assert.equal((await getRun(at.handler())).body.state, "published");
  goOn();
  assert.deepEqual((await last).body, (await getRun(at.handler())).body);
});

fanInTest("a failed run starts again from the current content of the tag", async (at) => {
  let refuses = true;
  const fetch = (request: Request) =>
    refuses && request.method === "PUT"
      ? Promise.resolve(Response.json({ errors: [{ code: "MANIFEST_INVALID" }] }, { status: 400 }))
      : at.world.fetch(request);
  const handler = at.handler({ systemContext: { fetch } });
  assertRefused(await at.reportAll(handler), 422, "MANIFEST_REJECTED");
  const before = at.world.requests.length;
  assert.equal((await getRun(handler)).body.error.code, "MANIFEST_REJECTED");
  assert.equal(at.world.requests.length, before);
  refuses = false;
  await at.world.repository().putManifest("1", (await at.world.repository().getManifest("amd64")).bytes);
  assert.equal((await call(handler, "/fan-in", { body: at.report(FIRST) })).body.state, "published");
  assert.deepEqual(at.world.countWrites("1"), 1);
});
