/** Events, request ids, health, limits, and runs that are listed and ended. */
import assert from "node:assert/strict";
import { bearerTokens, type HandlerEvent } from "../../src/service/room.ts";
import { fanInTest, getRun, PLATFORMS, TARGET } from "../support/fan_in.ts";
import { type Answer, assertRefused, call, HOST, makeWorld, TOKEN } from "../support/handlers.ts";

// The sanitizers of Deno are off by default.
Deno.test.sanitizer({ ops: true, resources: true });

const [FIRST, SECOND, THIRD] = PLATFORMS as [string, string, string];
const OTHER_TOKEN = "another-token-for-tests";

/** The members of events that say what happened, without times and ids. */
function summarize(events: readonly HandlerEvent[]): unknown[] {
  return events.map((event) => {
    const what = event.type === "run" ? event.step : `${event.method} ${event.path} ${event.status}`;
    return [what, event.caller, event.rules.join(), event.run, event.result, event.code].filter((part) => part);
  });
}

fanInTest("each request and each step of a run is an event with caller, rule, result and request id", async (at) => {
  const events: HandlerEvent[] = [];
  const tokens = [
    { token: TOKEN, name: "release" },
    { token: OTHER_TOKEN, name: "reader", actions: ["inspect" as const] },
  ];
  const handler = at.handler({
    authorize: bearerTokens(tokens),
    onEvent(event) {
      events.push(event);
      throw new Error("nobody catches this");
    },
  });
  const answers: Answer[] = [];
  for (const platform of PLATFORMS) answers.push(await call(handler, "/fan-in", { body: at.report(platform) }));
  const wrong = at.report(FIRST, { digest: at.world.digests.get(SECOND) });
  answers.push(await call(handler, "/fan-in", { body: wrong }));
  answers.push(await call(handler, "/fan-in", { body: at.report(FIRST), token: "nobody-knows-me-here" }));
  answers.push(await call(handler, "/fan-in", { body: at.report(FIRST), token: OTHER_TOKEN }));
  answers.push(await call(handler, "/fan-in", { body: at.report(FIRST, { target: `${HOST}/other:1` }) }));
  const by = ["release", "release", "1"];
  assert.deepEqual(summarize(events), [
    ["begin", ...by, "ok"],
    ["report", ...by, "ok"],
    ["POST /fan-in 200", ...by, "ok"],
    ["report", ...by, "ok"],
    ["POST /fan-in 200", ...by, "ok"],
    ["report", ...by, "ok"],
    ["lease", ...by, "ok"],
    ["plan", ...by, "ok"],
    ["publish", ...by, "ok"],
    ["POST /fan-in 200", ...by, "ok"],
    ["report", ...by, "refused", "REPORT_DIFFERS"],
    ["POST /fan-in 409", ...by, "refused", "REPORT_DIFFERS"],
    ["POST /fan-in 401", "refused", "UNAUTHORIZED"],
    ["POST /fan-in 403", "reader", "refused", "DENIED"],
    ["POST /fan-in 403", "release", "refused", "DENIED"],
  ]);
  const requests = events.filter(({ type }) => type === "request");
  assert.deepEqual(
    requests.map(({ requestId }) => requestId),
    answers.map(({ headers }) => headers.get("x-request-id")),
  );
  const steps = events.filter((event) => event.type === "run");
  assert.deepEqual(
    [...new Set(steps.map(({ requestId }) => requestId))],
    requests.slice(0, 4).map(({ requestId }) => requestId),
  );
  const { digest } = (await getRun(handler)).body;
  const published = steps.find(({ step }) => step === "publish")!;
  assert.deepEqual([published.digest, published.target, published.duration, published.time], [
    digest,
    TARGET,
    0,
    at.now,
  ]);
  assert.ok(!JSON.stringify(events).includes(TOKEN) && !JSON.stringify(events).includes("nobody-knows"));
});

fanInTest("a conflict and a failure of the registry are events, and errors name their request", async (at) => {
  const events: HandlerEvent[] = [], errors: [error: unknown, requestId: string][] = [];
  let interferes = true;
  const fetch = async (request: Request) => {
    const isTag = request.method === "PUT" && request.url.endsWith("/manifests/1");
    if (isTag && interferes) {
      interferes = false;
      await at.world.repository().putManifest("1", (await at.world.repository().getManifest("amd64")).bytes);
    }
    return await at.world.fetch(request);
  };
  const onEvent = (event: HandlerEvent) => void events.push(event);
  const last = await at.reportAll(at.handler({ systemContext: { fetch }, onEvent }));
  assertRefused(last, 409, "SUPERSEDED");
  const steps = events.filter((event) => event.type === "run").map(({ step, code }) => [step, code]);
  assert.deepEqual(steps.slice(-3), [["plan", undefined], ["conflict", "CONFLICT"], ["publish", "SUPERSEDED"]]);
  const down = at.handler({
    systemContext: { fetch: () => Promise.resolve(new Response("", { status: 500 })) },
    onError: (error, { requestId }) => errors.push([error, requestId]),
    onEvent,
  });
  const failed = await call(down, "/inspect", { body: { image: TARGET } });
  assertRefused(failed, 502, "REGISTRY_ERROR");
  assert.deepEqual(errors.map(([, requestId]) => requestId), [failed.body.error.requestId]);
  assert.deepEqual([events.at(-1)?.result, events.at(-1)?.requestId], ["failed", failed.body.error.requestId]);
});

Deno.test("healthz and readyz need no token; readyz fails if the database does", async () => {
  const world = await makeWorld([]);
  using kv = await Deno.openKv(":memory:");
  const broken = {
    getMany: () => Promise.reject(new Error("the disk is gone")),
    list: () => kv.list({ prefix: [] }),
    atomic: () => kv.atomic(),
  };
  const rows: [options: Parameters<typeof world.handler>[0], status: number, body: unknown][] = [
    [{ kv }, 200, { status: "ready", database: "reachable" }],
    [{}, 200, { status: "ready", database: "none" }],
    [{ kv: broken, basePath: "/api" }, 503, undefined],
  ];
  for (const [options = {}, status, body] of rows) {
    const handler = world.handler(options);
    const at = options.basePath ?? "";
    const alive = await call(handler, `${at}/healthz`, { token: null });
    assert.deepEqual([alive.status, alive.body], [200, { status: "alive" }]);
    const ready = await call(handler, `${at}/readyz`, { token: null });
    if (body) assert.deepEqual([ready.status, ready.body], [status, body]);
    else assertRefused(ready, status, "STORE_IO");
    const head = await call(handler, `${at}/readyz`, { token: null, method: "HEAD" });
    assert.deepEqual([head.status, head.body], [status, undefined]);
    const refused = await call(handler, `${at}/healthz`, { token: null, body: {} });
    assertRefused(refused, 405, "METHOD_NOT_ALLOWED");
    assert.equal(refused.headers.get("allow"), "GET, HEAD, OPTIONS");
  }
  assert.deepEqual(world.requests, []);
});

fanInTest("a caller has a number of requests in each minute, and other callers have their own", async (at) => {
  const handler = at.handler({
    authorize: bearerTokens([{ token: TOKEN }, { token: OTHER_TOKEN }]),
    limits: { requestsPerMinute: 3 },
  });
  const get = (token?: string) => getRun(handler, "1", token ? { token } : {});
  for (let i = 0; i < 3; i++) assertRefused(await get(), 404, "RUN_UNKNOWN");
  at.now += 20_500;
  const refused = await get();
  assertRefused(refused, 429, "RATE_LIMITED");
  assert.equal(refused.headers.get("retry-after"), "40");
  assertRefused(await get(OTHER_TOKEN), 404, "RUN_UNKNOWN");
  for (let i = 0; i < 5; i++) assertRefused(await get("nobody-knows-me-here"), 401, "UNAUTHORIZED");
  at.now += 39_499;
  assertRefused(await get(), 429, "RATE_LIMITED");
  at.now += 1;
  assertRefused(await get(), 404, "RUN_UNKNOWN");
});

fanInTest("a caller has a number of unfinished runs; finished, ended and expired ones do not count", async (at) => {
  const handler = at.handler({
    authorize: bearerTokens([{ token: TOKEN }, { token: OTHER_TOKEN }]),
    limits: { openRuns: 2 },
    runLifetime: 1000,
  });
  const begin = (run: string, token = TOKEN) => call(handler, "/fan-in", { body: at.report(FIRST, { run }), token });
  for (const run of ["1", "2"]) assert.equal((await begin(run)).status, 200);
  const refused = await begin("3");
  assertRefused(refused, 429, "TOO_MANY_RUNS");
  assert.equal(refused.headers.get("retry-after"), "60");
  assert.equal((await begin("2")).status, 200);
  assert.equal((await begin("4", OTHER_TOKEN)).status, 200);
  await at.reportAll(handler, "1");
  assert.equal((await begin("3")).status, 200);
  assertRefused(await begin("5"), 429, "TOO_MANY_RUNS");
  await call(handler, `/fan-in?${new URLSearchParams({ target: TARGET, run: "3" })}`, { method: "DELETE" });
  assert.equal((await begin("5")).status, 200);
  assertRefused(await begin("6"), 429, "TOO_MANY_RUNS");
  at.now += 1001;
  for (const run of ["6", "7"]) assert.equal((await begin(run)).status, 200);
  const open = await Array.fromAsync(at.kv.list({ prefix: ["multiarch", "fan-in", "open"] }));
  assert.deepEqual(open.map(({ key }) => key.at(-1)), ["6", "7"]);
});

fanInTest("runs of a target are listed in pages, by their names", async (at) => {
  const handler = at.handler();
  const names = ["a", "b-1", "b.2", "c/3", "z"];
  for (const run of names.toReversed()) await call(handler, "/fan-in", { body: at.report(SECOND, { run }) });
  await call(handler, "/fan-in", { body: { ...at.report(SECOND), target: `${HOST}/app:2` } });
  const list = (query: Record<string, string>) =>
    call(handler, `/fan-in?${new URLSearchParams({ target: TARGET, ...query })}`);
  const all = await list({});
  assert.deepEqual(all.body.runs.map(({ run }: { run: string }) => run), names);
  assert.deepEqual([all.body.runs[0], all.body.next], [(await getRun(handler, "a")).body, undefined]);
  const pages: string[][] = [];
  for (let after: string | undefined, more = true; more;) {
    const { body } = await list({ limit: "2", ...(after ? { after } : {}) });
    pages.push(body.runs.map(({ run }: { run: string }) => run));
    more = (after = body.next) !== undefined;
  }
  assert.deepEqual(pages, [names.slice(0, 2), names.slice(2, 4), names.slice(4)]);
  for (const query of [{ limit: "0" }, { limit: "51" }, { limit: "x" }, { after: "a b" }, { run: "a", after: "a" }]) {
    assertRefused(await list(query as Record<string, string>), 400, "BAD_REQUEST");
  }
  assert.deepEqual((await call(handler, `/fan-in?target=${HOST}/app:3`)).body, { runs: [] });
  assertRefused(await call(handler, `/fan-in?target=${HOST}/other:1`), 403, "DENIED");
});

fanInTest("an ended run takes no report and is not published; a finished one cannot be ended", async (at) => {
  const events: HandlerEvent[] = [];
  const handler = at.handler({ onEvent: (event) => void events.push(event) });
  const end = (run: string, init = {}) =>
    call(handler, `/fan-in?${new URLSearchParams({ target: TARGET, run })}`, { method: "DELETE", ...init });
  assertRefused(await end("1"), 404, "RUN_UNKNOWN");
  await at.reportAll(handler, "1", [FIRST, SECOND]);
  assertRefused(await end("1", { token: null }), 401, "UNAUTHORIZED");
  for (let i = 0; i < 2; i++) assert.equal((await end("1")).body.state, "ended");
  for (const platform of [FIRST, THIRD]) {
    assertRefused(await call(handler, "/fan-in", { body: at.report(platform) }), 409, "RUN_FINISHED");
  }
  assert.deepEqual([(await getRun(handler)).body.state, at.world.countWrites("1")], ["ended", 0]);
  await at.reportAll(handler, "2");
  assertRefused(await end("2"), 409, "RUN_FINISHED");
  assert.equal(events.filter((event) => event.type === "run" && event.step === "end").length, 2);
  assertRefused(await call(handler, "/fan-in?target=x", { method: "DELETE" }), 400, "BAD_REQUEST");
});

Deno.test("messages call a value of a query a query parameter, and a value of a body a member", async () => {
  using kv = await Deno.openKv(":memory:");
  const handler = (await makeWorld([])).handler({ kv });
  const message = async (...args: [url: string, init?: Parameters<typeof call>[2]]) =>
    (await call(handler, ...args)).body.error.message;
  assert.match(await message("/fan-in?run=1"), /query parameter target is missing$/);
  assert.match(await message(`/fan-in?target=${TARGET}&x=1`), /unknown query parameter "x"$/);
  assert.match(await message("/inspect", { body: {} }), /member image is missing$/);
  const body = { image: TARGET };
  assert.match(
    await message("/inspect", { body, headers: { "content-type": "text/plain" } }),
    /"content-type: application\/json"/,
  );
  assert.match(await message("/inspect", { body, headers: { "content-encoding": "gzip" } }), /"content-encoding"/);
});
