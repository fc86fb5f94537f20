/** Runs with several tags, and reports of several platforms. */
import assert from "node:assert/strict";
import { parsePlatform } from "../../src/spec/room.ts";
import { inspectIndex } from "../../src/system/remote/room.ts";
import { pushBuildKit } from "../support/buildkit.ts";
import { fanInTest, type FanInWorld, getRun, type Handler, PLATFORMS, TARGET } from "../support/fan_in.ts";
import { assertRefused, call, HOST } from "../support/handlers.ts";
import { platformTexts } from "../support/platform_texts.ts";
import { HeldTimers } from "../support/timers.ts";

// The sanitizers of Deno are off by default.
Deno.test.sanitizer({ ops: true, resources: true });

const LATEST = `${HOST}/app:latest`;
const [FIRST, SECOND, THIRD] = PLATFORMS as [string, string, string];

/** Reports all platforms of a run for a version, which is also `latest`; returns the last answer. */
async function release(at: FanInWorld, handler: Handler, version: string, platforms = PLATFORMS, digest?: string) {
  let last;
  for (const platform of platforms) {
    const more = { target: `${HOST}/app:${version}`, run: version, tags: ["latest"] };
    const body = at.report(platform, { ...more, ...(digest && platform === FIRST ? { digest } : {}) });
    last = await call(handler, "/fan-in", { body });
  }
  return last!;
}

/** Pushes an older image for the first platform; reports without a digest of their own still name the newer one. */
async function pushOld(at: FanInWorld): Promise<string> {
  const newer = at.world.digests.get(FIRST)!;
  const older = await at.world.push({ architecture: "amd64", layers: [] });
  at.world.digests.set(FIRST, newer);
  return older;
}

fanInTest("a run publishes its index under all of its tags, each written once", async (at) => {
  const handler = at.handler();
  const send = (platform: string, tags: string[]) => call(handler, "/fan-in", { body: at.report(platform, { tags }) });
  await send(FIRST, ["latest", "1.2"]);
  assertRefused(await send(SECOND, ["latest"]), 409, "EXPECTATION_DIFFERS");
  assertRefused(await call(handler, "/fan-in", { body: at.report(SECOND) }), 409, "EXPECTATION_DIFFERS");
  await send(SECOND, ["1.2", "latest"]);
  const { status, body } = await send(THIRD, ["latest", "1.2"]);
  assert.deepEqual([status, body.state, body.tags], [200, "published", [LATEST, `${HOST}/app:1.2`]]);
  for (const tag of ["1", "latest", "1.2"]) {
    assert.deepEqual([await at.world.digestAt(tag), at.world.countWrites(tag)], [body.digest, 1], tag);
  }
  for (
    const tags of [
      [],
      ["1"],
      ["a b"],
      [`${HOST}/other:1`],
      ["latest", "latest"],
      Array.from({ length: 17 }, (_, i) => `t${i}`),
    ]
  ) {
    assertRefused(await call(handler, "/fan-in", { body: at.report(FIRST, { run: "2", tags }) }), 400, "BAD_REQUEST");
  }
});

fanInTest("a further tag that a newer run has published is left to it", async (at) => {
  const handler = at.handler();
  const old = await pushOld(at);
  await release(at, handler, "1.0", [FIRST, SECOND], old);
  const newer = await release(at, handler, "1.1");
  const { status, body } = await release(at, handler, "1.0", [THIRD], old);
  assert.deepEqual([status, body.state, body.superseded], [200, "published", [LATEST]]);
  assert.notEqual(body.digest, newer.body.digest);
  assert.equal(await at.world.digestAt("1.0"), body.digest);
  assert.deepEqual([await at.world.digestAt("latest"), at.world.countWrites("latest")], [newer.body.digest, 1]);
  assert.deepEqual(
    (await call(handler, "/fan-in", {
      body: at.report(THIRD, { target: `${HOST}/app:1.0`, run: "1.0", tags: ["latest"] }),
    })).body,
    body,
  );
});

fanInTest("a later run moves a further tag of an earlier one", async (at) => {
  const handler = at.handler();
  const old = await pushOld(at);
  await release(at, handler, "1.0", PLATFORMS, old);
  const { body } = await release(at, handler, "1.1");
  assert.deepEqual([body.state, body.superseded, await at.world.digestAt("latest")], [
    "published",
    undefined,
    body.digest,
  ]);
});

fanInTest("after a crash between two tags, only the missing one is written", async (at) => {
  using timers = new HeldTimers(12_345);
  const fetch = async (request: Request) => {
    if (request.method === "PUT" && request.url.endsWith("/manifests/latest")) {
      timers.fire();
      return new Response(null, { status: 500 });
    }
    return await at.world.fetch(request);
  };
  const dying = at.handler({ systemContext: { fetch }, limits: { requestTimeout: 12_345 } });
  await release(at, at.handler(), "1.0", [FIRST, SECOND]);
  assertRefused(await release(at, dying, "1.0", [THIRD]), 504, "TIMEOUT");
  assert.equal(at.world.countWrites("1.0"), 1);
  at.now += 30_000;
  const { body } = await release(at, at.handler(), "1.0", [THIRD]);
  assert.deepEqual([body.state, at.world.countWrites("1.0"), at.world.countWrites("latest")], ["published", 1, 1]);
  assert.equal(await at.world.digestAt("latest"), body.digest);
});

fanInTest("one report may bring all platforms of an index", async (at) => {
  const handler = at.handler();
  const { images } = await pushBuildKit(
    at.world.repository(),
    "built",
    ["linux/arm64", "linux/s390x"].map(parsePlatform),
  );
  const digest = await at.world.digestAt("built");
  const report = (more: Record<string, unknown>) =>
    call(handler, "/fan-in", { body: { ...at.report(SECOND, { digest }), platform: undefined, ...more } });
  assertRefused(await report({ platforms: [SECOND] }), 422, "PLATFORM_MISMATCH");
  for (
    const more of [{}, { platform: SECOND, platforms: [SECOND, THIRD] }, { platforms: ["linux/riscv64"] }, {
      platforms: [],
    }]
  ) {
    assertRefused(await report(more), 400, "BAD_REQUEST");
  }
  assert.deepEqual((await report({ platforms: [THIRD, SECOND] })).body.missing, [FIRST]);
  const { body } = await call(handler, "/fan-in", { body: at.report(FIRST) });
  assert.equal(body.state, "published");
  const { instances } = await inspectIndex(TARGET, { systemContext: { fetch: at.world.fetch } });
  const platforms = platformTexts(instances).filter((text) => !text?.startsWith("unknown"));
  assert.deepEqual(platforms, PLATFORMS);
  assert.deepEqual(instances.slice(1, 3).map(({ digest }) => digest).sort(), [...images].sort());
  assert.deepEqual((await getRun(handler)).body.reporters[SECOND].by, "token 1");
});
