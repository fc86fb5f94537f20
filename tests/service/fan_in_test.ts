/** Fan-in: jobs report, and the index is published exactly once. */
import { abortable } from "../../src/internal/room.ts";
import assert from "node:assert/strict";
import { MEDIA_TYPES } from "../../src/spec/room.ts";
import type { Run } from "../../src/service/fan_in/run.ts";
import { inspectIndex } from "../../src/system/remote/room.ts";
import { assertRefused, call, HOST, TOKEN } from "../support/handlers.ts";
import { fanInTest, getRun, makeFanIn, PLATFORMS, TARGET } from "../support/fan_in.ts";
import { bearerTokens } from "../../src/service/room.ts";
import { platformTexts } from "../support/platform_texts.ts";

// The sanitizers of Deno are off by default.
Deno.test.sanitizer({ ops: true, resources: true });

/** Returns all permutations of some items. */
function ordersOf<T>(things: readonly T[]): T[][] {
  if (things.length === 0) return [[]];
  return things.flatMap((thing, i) => ordersOf(things.toSpliced(i, 1)).map((rest) => [thing, ...rest]));
}

Deno.test("every order of reports publishes the same index once", async () => {
  const digests = new Set<string>();
  for (const order of ordersOf(PLATFORMS)) {
    using kv = await Deno.openKv(":memory:");
    const at = await makeFanIn(kv);
    const handler = at.handler();
    for (const [i, platform] of order.entries()) {
      const { status, body } = await call(handler, "/fan-in", { body: at.report(platform) });
      const done = i === order.length - 1;
      assert.deepEqual([status, body.state], [200, done ? "published" : "collecting"]);
      assert.deepEqual(body.missing, PLATFORMS.filter((platform) => !order.slice(0, i + 1).includes(platform)));
      assert.equal(at.world.countWrites("1"), done ? 1 : 0);
    }
    const { body } = await getRun(handler);
    assert.equal(body.digest, await at.world.digestAt("1"));
    digests.add(body.digest);
    const { instances } = await inspectIndex(TARGET, { systemContext: { fetch: at.world.fetch } });
    assert.deepEqual(platformTexts(instances), PLATFORMS);
  }
  assert.equal(digests.size, 1);
});

fanInTest("repeated reports change nothing, even after publishing and to other handlers", async (at) => {
  const [one, two] = [at.handler(), at.handler()];
  const states: string[] = [];
  for (const platform of [PLATFORMS[0]!, PLATFORMS[0]!, PLATFORMS[1]!, PLATFORMS[2]!]) {
    for (const handler of [one, two]) {
      states.push((await call(handler, "/fan-in", { body: at.report(platform) })).body.state);
    }
  }
  assert.deepEqual(states, [...Array(6).fill("collecting"), "published", "published"]);
  const before = at.world.requests.length;
  const record = () => at.kv.get(["multiarch", "fan-in", "run", TARGET, "1"]);
  const { versionstamp } = await record();
  const published = await call(one, "/fan-in", { body: at.report(PLATFORMS[2]!) });
  for (const platform of PLATFORMS) {
    assert.deepEqual((await call(two, "/fan-in", { body: at.report(platform) })).body, published.body);
  }
  assert.deepEqual((await getRun(one)).body, published.body);
  assert.equal(at.world.requests.length, before);
  assert.equal((await record()).versionstamp, versionstamp);
  assert.equal(at.world.countWrites("1"), 1);
});

fanInTest("reports that contradict the run are rejected and change nothing", async (at) => {
  const handler = at.handler({ targets: [`${HOST}/*`] });
  const other = await at.world.push({ architecture: "amd64", layers: [] }, "other");
  await call(handler, "/fan-in", { body: at.report(PLATFORMS[1]!, { annotations: { a: "1", b: "2" } }) });
  const annotations = { b: "2", a: "1" };
  const image = `${HOST}/other@${other}`;
  const cases: [more: Record<string, unknown>, code: string][] = [
    [{ annotations, expected: PLATFORMS.slice(0, 2) }, "EXPECTATION_DIFFERS"],
    [{ annotations, expected: PLATFORMS.toReversed() }, "EXPECTATION_DIFFERS"],
    [{ annotations: { a: "1" } }, "EXPECTATION_DIFFERS"],
    [{}, "EXPECTATION_DIFFERS"],
  ];
  for (const [more, code] of cases) {
    assertRefused(await call(handler, "/fan-in", { body: at.report(PLATFORMS[0]!, more) }), 409, code);
  }
  await call(handler, "/fan-in", { body: at.report(PLATFORMS[0]!, { annotations, digest: undefined, image }) });
  const again = at.report(PLATFORMS[0]!, { annotations, digest: at.world.digests.get("linux/arm64") });
  assertRefused(await call(handler, "/fan-in", { body: again }), 409, "REPORT_DIFFERS");
  assertRefused(await call(handler, "/fan-in", { body: { ...again, replace: true } }), 422, "PLATFORM_MISMATCH");
  const missing = { ...again, digest: `sha256:${"0".repeat(64)}`, replace: true };
  assertRefused(await call(handler, "/fan-in", { body: missing }), 404, "NOT_FOUND");
  assert.equal((await getRun(handler)).body.reports[PLATFORMS[0]!], image);
  // With `replace`, the newest report applies until the run is complete.
  const amd64 = (await at.world.repository().headManifest("amd64"))!.digest;
  const newer = at.report(PLATFORMS[0]!, { annotations, digest: amd64, replace: true });
  assert.equal((await call(handler, "/fan-in", { body: newer })).body.reports[PLATFORMS[0]!], `${HOST}/app@${amd64}`);
  await call(handler, "/fan-in", { body: at.report(PLATFORMS[2]!, { annotations }) });
  const late = at.report(PLATFORMS[0]!, { annotations, digest: undefined, image, replace: true });
  assertRefused(await call(handler, "/fan-in", { body: late }), 409, "REPORT_DIFFERS");
  const { body } = await getRun(handler);
  assert.deepEqual([body.state, body.digest], ["published", await at.world.digestAt("1")]);
});

fanInTest("malformed reports are rejected", async (at) => {
  const handler = at.handler();
  const good = at.report(PLATFORMS[0]!);
  const bad: Record<string, unknown>[] = [
    { run: "a b" },
    { run: "" },
    { run: "x".repeat(129) },
    { run: undefined },
    { expected: [] },
    { expected: Array.from({ length: 49 }, (_, i) => `linux/a${i}`).concat(PLATFORMS[0]!) },
    { expected: ["linux/amd64", "linux/amd64/v1"] },
    { expected: ["linux"] },
    { platform: "linux/amd64/v1/x" },
    { platform: "linux/AMD64" },
    { platform: "linux/riscv64" },
    { digest: undefined },
    { digest: "sha256:123" },
    { image: `${HOST}/app@${good.digest}` },
    { digest: undefined, image: `${HOST}/app:amd64` },
    { digest: undefined, image: `${HOST}/app:amd64@${good.digest}` },
    { target: `${HOST}/app@${good.digest}` },
    { replace: 1 },
    { state: "published" },
  ];
  for (const more of bad) {
    assertRefused(await call(handler, "/fan-in", { body: { ...good, ...more } }), 400, "BAD_REQUEST");
  }
  assert.deepEqual(await Array.fromAsync(at.kv.list({ prefix: [] })), []);
  for (
    const query of [
      "",
      "?run=1",
      `?target=${TARGET}&run=`,
      `?target=${TARGET}&run=1&run=2`,
      `?target=${TARGET}&run=1&x=1`,
    ]
  ) {
    assertRefused(await call(handler, `/fan-in${query}`), 400, "BAD_REQUEST");
  }
});

fanInTest("GET and HEAD return the state of a run", async (at) => {
  const handler = at.handler();
  assertRefused(await getRun(handler), 404, "RUN_UNKNOWN");
  await call(handler, "/fan-in", { body: at.report(PLATFORMS[1]!) });
  assert.deepEqual((await getRun(handler)).body, {
    target: TARGET,
    run: "1",
    state: "collecting",
    expected: PLATFORMS,
    missing: [PLATFORMS[0], PLATFORMS[2]],
    reports: { [PLATFORMS[1]!]: `${HOST}/app@${at.world.digests.get(PLATFORMS[1]!)}` },
    reporters: { [PLATFORMS[1]!]: { by: "token 1", at: "1970-01-01T00:16:40.000Z" } },
    began: "1970-01-01T00:16:40.000Z",
    expires: "1970-01-08T00:16:40.000Z",
  });
  const head = await getRun(handler, "1", { method: "HEAD" });
  assert.deepEqual([head.status, head.body], [200, undefined]);
  assert.equal(
    (await call(handler, "/fan-in", { method: "PUT" })).headers.get("allow"),
    "POST, GET, HEAD, DELETE, OPTIONS",
  );
  assertRefused(await getRun(handler, "1", { token: null }), 401, "UNAUTHORIZED");
  const other = at.handler({ authorize: bearerTokens([{ token: TOKEN, targets: [`${HOST}/other`] }]) });
  assertRefused(await getRun(other), 403, "DENIED");
});

fanInTest("default variants and different spellings of names are equal", async (at) => {
  await at.world.push({ architecture: "arm", variant: "v6" });
  await at.world.push({ architecture: "arm" });
  await at.world.push({ architecture: "arm64", variant: "v8" });
  const handler = at.handler();
  const expected = ["linux/arm/v6", "linux/arm/v7", "linux/arm64"];
  const send = (platform: string, of: string, more: Record<string, unknown> = {}) =>
    call(handler, "/fan-in", { body: at.report(platform, { expected, digest: at.world.digests.get(of), ...more }) });
  assertRefused(await send("linux/arm/v6", "linux/arm"), 422, "PLATFORM_MISMATCH");
  assertRefused(await send("linux/arm/v7", "linux/arm/v6"), 422, "PLATFORM_MISMATCH");
  await send("linux/arm/v6", "linux/arm/v6");
  await send("linux/arm/v7", "linux/arm", { target: TARGET.toUpperCase().replace("/APP", "/app") });
  const { body } = await send("linux/arm64/v8", "linux/arm64/v8", {
    target: `docker://${TARGET}`,
    expected: ["linux/arm/v6", "linux/arm", "linux/arm64/v8"],
  });
  assert.deepEqual([body.state, body.expected], ["published", ["linux/arm/v6", "linux/arm", "linux/arm64"]]);
});

fanInTest("versions of the operating system distinguish images if expected names them", async (at) => {
  const handler = at.handler();
  const versions = ["10.0.17763.1", "10.0.20348.1"];
  const digests: string[] = [];
  for (const osVersion of versions) {
    digests.push(await at.world.push({ os: "windows", architecture: "amd64", osVersion }));
  }
  const [old, recent] = versions.map((version) => `windows/amd64:${version}`) as [string, string];
  const send = (run: string, expected: string[], platform: string, digest?: string) =>
    call(handler, "/fan-in", { body: { target: TARGET, run, expected, platform, digest } });
  const both = [old, recent, "linux/amd64"];
  assertRefused(await send("1", both, old, digests[1]), 422, "PLATFORM_MISMATCH");
  assertRefused(await send("1", both, `${old}0`, digests[0]), 400, "BAD_REQUEST");
  await send("1", both, old, digests[0]);
  await send("1", both, recent, digests[1]);
  const { body } = await send("1", both, "linux/amd64", at.world.digests.get("linux/amd64"));
  assert.deepEqual([body.state, body.expected], ["published", both]);
  const plain = await send("2", ["windows/amd64"], "windows/amd64", digests[1]);
  assert.equal(plain.body.state, "published");
});

fanInTest("an image that is an index itself contributes its provenance", async (at) => {
  // The form in which `docker buildx` pushes by digest.
  await at.world.push({ os: "unknown", architecture: "unknown" });
  const repository = at.world.repository();
  const [image, provenance] = await Promise.all(["amd64", "unknown"].map((tag) => repository.headManifest(tag)));
  const annotations = { "vnd.docker.reference.digest": image!.digest };
  const manifests = [
    { ...image, platform: { os: "linux", architecture: "amd64" } },
    { ...provenance, annotations, platform: { os: "unknown", architecture: "unknown" } },
  ];
  const index = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
  const digest = await repository.putManifest("built", new TextEncoder().encode(index));
  const handler = at.handler();
  const expected = ["linux/amd64", "linux/arm64"];
  const wrong = at.report("linux/arm64", { expected, digest });
  assertRefused(await call(handler, "/fan-in", { body: wrong }), 422, "PLATFORM_MISMATCH");
  await call(handler, "/fan-in", { body: at.report("linux/amd64", { expected, digest }) });
  const { body } = await call(handler, "/fan-in", { body: at.report("linux/arm64", { expected }) });
  assert.equal(body.state, "published");
  const { instances } = await inspectIndex(TARGET, { systemContext: { fetch: at.world.fetch } });
  assert.deepEqual(
    instances.map(({ platform, annotations }) => [platform && `${platform.os}/${platform.architecture}`, annotations]),
    [
      ["linux/amd64", {}],
      ["unknown/unknown", annotations],
      ["linux/arm64", {}],
    ],
  );
});

fanInTest(
  "an image that cannot be checked at once is checked at publishing, and a new report can correct it",
  async (at) => {
    let down = true;
    const fetch = (request: Request) =>
      down && !request.url.endsWith("/v2/")
        ? Promise.resolve(new Response("down", { status: 500 }))
        : at.world.fetch(request);
    const handler = at.handler({ systemContext: { fetch } });
    const wrong = at.report(PLATFORMS[0]!, { digest: at.world.digests.get("linux/arm64") });
    for (const body of [wrong, at.report(PLATFORMS[1]!)]) {
      assert.equal((await call(handler, "/fan-in", { body })).body.state, "collecting");
    }
    // The registry is still down: the run is complete, but not published.
    assertRefused(await call(handler, "/fan-in", { body: at.report(PLATFORMS[2]!) }), 502, "REGISTRY_ERROR");
    down = false;
    const failed = await getRun(handler);
    assert.deepEqual([failed.status, failed.body.state, failed.body.error.code], [200, "failed", "PLATFORM_MISMATCH"]);
    assertRefused(await call(handler, "/fan-in", { body: at.report(PLATFORMS[1]!) }), 422, "PLATFORM_MISMATCH");
    assert.equal((await getRun(handler)).body.state, "failed");
    assert.equal(await at.world.digestAt("1"), undefined);
    const corrected = await call(handler, "/fan-in", { body: at.report(PLATFORMS[0]!) });
    assert.deepEqual([corrected.body.state, corrected.body.error], ["published", undefined]);
    assert.equal(at.world.countWrites("1"), 1);
  },
);

fanInTest("a report that times out before it is checked is not recorded", async (at) => {
  const fetch = ({ signal }: Request) => abortable(new Promise<never>(() => {}), signal);
  const handler = at.handler({ systemContext: { fetch }, limits: { requestTimeout: 50 } });
  assertRefused(await call(handler, "/fan-in", { body: at.report(PLATFORMS[0]!) }), 504, "TIMEOUT");
  // If the aborted request still wrote something, it would be visible after these requests.
  await at.reportAll(at.handler(), "2");
  assertRefused(await getRun(at.handler()), 404, "RUN_UNKNOWN");
});

fanInTest("runs expire, and their records are deleted", async (at) => {
  const handler = at.handler({ runLifetime: 1000 });
  const runs = async () => (await Array.fromAsync(at.kv.list({ prefix: ["multiarch", "fan-in", "run"] }))).length;
  await at.reportAll(handler);
  at.now += 999;
  assert.equal((await getRun(handler)).body.state, "published");
  at.now += 1;
  assertRefused(await getRun(handler), 404, "RUN_UNKNOWN");
  await call(handler, "/fan-in", { body: at.report(PLATFORMS[0]!, { run: "2" }) });
  at.now += 1001;
  // A run with the same name begins again, and must not be deleted by the cleanup.
  await call(handler, "/fan-in", { body: at.report(PLATFORMS[0]!, { run: "2" }) });
  assert.deepEqual((await getRun(handler, "2")).body.missing, PLATFORMS.slice(1));
  assert.equal(await runs(), 1);
  at.now += 2000;
  await call(handler, "/fan-in", { body: at.report(PLATFORMS[0]!, { run: "3" }) });
  assert.equal(await runs(), 1);
  assert.equal((await Array.fromAsync(at.kv.list({ prefix: ["multiarch", "fan-in", "expiry"] }))).length, 1);
});

fanInTest("a run that expires while it is being published is not published", async (at) => {
  const fetch = async (request: Request) => {
    // The tag is read first, then the images, then the index is planned and written.
    if (request.url.includes("/manifests/1")) at.now += 1001;
    return await at.world.fetch(request);
  };
  const handler = at.handler({ runLifetime: 1000, systemContext: { fetch } });
  assertRefused(await at.reportAll(handler), 404, "RUN_UNKNOWN");
  assert.equal(at.world.countWrites("1"), 0);
  const next = await at.reportAll(at.handler(), "2");
  assert.deepEqual([next.body.state, at.world.countWrites("1")], ["published", 1]);
});

fanInTest("the largest run that is accepted fits into the database", async (at) => {
  const repository = `${"d".repeat(112)}.example/${"a/".repeat(120)}${"b".repeat(15)}`;
  const image = `${repository}@sha512:${"0".repeat(128)}`;
  assert.equal(image.length, 512);
  const down = () => Promise.resolve(new Response("", { status: 500 }));
  const authorize = bearerTokens([{ token: TOKEN, name: "n".repeat(200) }]);
  const handler = at.handler({ authorize, targets: [repository], systemContext: { fetch: down } });
  const expected = Array.from({ length: 48 }, (_, i) => `linux/arch${i}/`.padEnd(64, "v"));
  const annotations = { "ключ": "ä".repeat(4092) };
  const target = `${repository}:${"t".repeat(128)}`;
  const tags = Array.from({ length: 16 }, (_, i) => `${i}`.padEnd(128, "t"));
  for (const platform of expected.slice(1)) {
    const body = { target, tags, run: "r".repeat(128), expected, platform, image, annotations };
    const answer = await call(handler, "/fan-in", { body });
    assert.deepEqual([answer.status, answer.body.state], [200, "collecting"], JSON.stringify(answer.body));
  }
  // There is room for the plan as well.
  const [run] = await Array.fromAsync(at.kv.list<Run>({ prefix: ["multiarch", "fan-in", "run"] }));
  const digest = `sha256:${"0".repeat(64)}` as const;
  const before = Object.fromEntries(Object.keys(run!.value.orders).map((tag) => [tag, digest]));
  const lease = { holder: crypto.randomUUID(), until: at.now };
  const error = { code: "PLATFORM_MISMATCH", message: "x".repeat(4096) };
  const reports = { ...run!.value.reports, [expected[0]!]: run!.value.reports[expected[1]!] };
  await at.kv.set(run!.key, { ...run!.value, reports, lease, plan: { before, digest }, superseded: tags, error });
  const more = { target, run: "1", expected, platform: expected[0], image, annotations: { ...annotations, x: "" } };
  assertRefused(await call(handler, "/fan-in", { body: more }), 400, "BAD_REQUEST");
});
