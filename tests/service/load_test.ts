/** Handlers over HTTP under load, with slow, broken and invalid requests at the same time. */
import { abortable } from "../../src/internal/room.ts";
import assert from "node:assert/strict";
import { makeFanIn, PLATFORMS } from "../support/fan_in.ts";
import { assertRefused, call, HOST, makeRequest, makeWorld, readAnswer, TOKEN } from "../support/handlers.ts";
import { serve } from "../support/registries.ts";

// The sanitizers of Deno are off by default.
Deno.test.sanitizer({ ops: true, resources: true });

/** Number of concurrent requests, of concurrent slow clients, and of slow clients in total. */
const CLIENTS = 16, SLOW_CLIENTS = 20, SLOW_REQUESTS = 60;
/** Limit of the handler: high enough that no request is rejected, even before it notices disconnected clients. */
const PLACES = CLIENTS + SLOW_REQUESTS;
const RUNS = 40, REPLAYS = 8;

/** Sends half of a request over TCP, and either waits for the answer or disconnects. Returns the status. */
async function sendHalf(host: string, then: "wait" | "leave"): Promise<string | undefined> {
  const [hostname, port] = host.split(":") as [string, string];
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const head = `POST /fan-in HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${TOKEN}\r\n` +
    'content-type: application/json\r\ncontent-length: 500\r\n\r\n{"target":';
  await connection.write(new TextEncoder().encode(head));
  if (then === "leave") return undefined;
  const buffer = new Uint8Array(1024);
  const read = await connection.read(buffer);
  return /^HTTP\/1\.1 (\d+)/.exec(new TextDecoder().decode(buffer.subarray(0, read ?? 0)))?.[1];
}

/** Runs work with limited concurrency; returns the results in order. */
async function runAll<T>(work: readonly (() => Promise<T>)[], atOnce: number): Promise<T[]> {
  const results: T[] = [];
  const queue = [...work.entries()];
  const run = async () => {
    for (let next; (next = queue.shift());) results[next[0]] = await next[1]();
  };
  await Promise.all(Array.from({ length: atOnce }, run));
  return results;
}

Deno.test("thousands of concurrent requests get the same answers as single ones", async () => {
  using kv = await Deno.openKv(":memory:");
  const at = await makeFanIn(kv);
  const errors: unknown[] = [];
  const handler = at.handler({
    targets: [`${HOST}/*`],
    limits: { bodyTimeout: 1000, concurrentRequests: PLACES, bodyBytes: 4096 },
    onError: (error) => errors.push(error),
  });
  await using server = serve(handler);
  const send = async (...[path, init]: Parameters<typeof makeRequest>): Promise<string> => {
    const answer = await readAnswer(await fetch(makeRequest(new URL(path, `http://${server.host}`).href, init)));
    return `${answer.status} ${answer.body?.error?.code ?? ""}`.trim();
  };
  const target = (run: number) => `${HOST}/app:run-${run}`;
  const reportOf = (run: number, platform: string) => ({ ...at.report(platform), target: target(run) });
  const wave: { send: () => Promise<string>; expected: string }[] = [];
  const add = (expected: string, ...args: Parameters<typeof send>) =>
    wave.push({ send: () => send(...args), expected });
  for (let replay = 0; replay < REPLAYS; replay++) {
    for (let run = 0; run < RUNS; run++) {
      for (const platform of PLATFORMS) add("200", "/fan-in", { body: reportOf(run, platform) });
      const body = reportOf(run, PLATFORMS[run % 3]!);
      add("401 UNAUTHORIZED", "/fan-in", { body, token: `${TOKEN}-wrong` });
      add("400 BAD_REQUEST", "/fan-in", { body: JSON.stringify(body).slice(0, -1 - replay) });
      add("400 BAD_REQUEST", "/fan-in", { body: { ...body, digest: `sha256:${run}` } });
      add("413 BODY_TOO_LARGE", "/fan-in", { body: { ...body, run: "x".repeat(4096) } });
      add("403 DENIED", "/inspect", { body: { image: `127.0.0.1:${run + 1}/app:1` } });
      add("409 EXPECTATION_DIFFERS", "/fan-in", { body: { ...body, expected: PLATFORMS.toReversed() } });
    }
  }
  // Reports can contradict a run only after it has begun.
  const last = (i: number) => wave[i]!.expected.startsWith("409") ? 1 : 0;
  const order = [...wave.keys()].sort((a, b) =>
    last(a) - last(b) || (a * 7919) % wave.length - (b * 7919) % wave.length
  );
  const slow = Array.from(
    { length: SLOW_REQUESTS },
    (_, i) => () => sendHalf(server.host, i % 3 ? "wait" : "leave"),
  );
  const [answers, statuses] = await Promise.all([
    runAll(order.map((i) => wave[i]!.send), CLIENTS),
    runAll(slow, SLOW_CLIENTS),
  ]);
  assert.ok(wave.length > 2500);
  assert.deepEqual(answers, order.map((i) => wave[i]!.expected));
  assert.deepEqual(statuses, slow.map((_, i) => i % 3 ? "408" : undefined));
  assert.deepEqual(errors, []);
  for (let run = 0; run < RUNS; run++) assert.equal(at.world.countWrites(`run-${run}`), 1);
  const digests = await Promise.all(Array.from({ length: RUNS }, (_, run) => at.world.digestAt(`run-${run}`)));
  assert.equal(new Set(digests).size, 1);
  // Disconnected clients no longer count towards the limit.
  const inspect = () => send("/inspect", { body: { image: target(0) } });
  assert.deepEqual(await Promise.all(Array.from({ length: PLACES }, inspect)), Array(PLACES).fill("200"));
});

Deno.test("requests above the limit get 503; anonymous and stalled requests do not use it up", async () => {
  const world = await makeWorld(["amd64"]);
  const arrived = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const goOn = Promise.withResolvers<void>();
  let waiting = 0;
  const fetch = async (request: Request) => {
    if (request.url.includes("/manifests/")) {
      arrived[waiting++]?.resolve();
      await goOn.promise;
    }
    return await world.fetch(request);
  };
  const limits = { concurrentRequests: 2, requestTimeout: 60_000 };
  const handler = world.handler({ systemContext: { fetch }, limits });
  const body = { image: `${HOST}/app:amd64` };
  const inspect = (token?: string) => call(handler, "/inspect", { body, ...(token ? { token } : {}) });
  const running = [inspect()];
  for (let i = 0; i < 10; i++) assertRefused(await inspect("nobody-knows-me-here"), 401, "UNAUTHORIZED");
  running.push(inspect());
  await Promise.all(arrived.map(({ promise }) => promise));
  const refused = await inspect();
  assertRefused(refused, 503, "OVERLOADED");
  assert.equal(refused.headers.get("retry-after"), "1");
  goOn.resolve();
  for (const { status } of [...await Promise.all(running), await inspect()]) assert.equal(status, 200);
  // A stalled request times out, and no longer counts towards the limit.
  const stuck = world.handler({
    systemContext: { fetch: ({ signal }) => abortable(new Promise<never>(() => {}), signal) },
    limits: { concurrentRequests: 1, requestTimeout: 30 },
  });
  for (let i = 0; i < 3; i++) assertRefused(await call(stuck, "/inspect", { body }), 504, "TIMEOUT");
});

Deno.test("a body that stalls or is truncated is answered in time", async () => {
  const world = await makeWorld([]);
  const handler = world.handler({ limits: { bodyTimeout: 30 } });
  let cancelled: unknown;
  const endless = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("{")),
    cancel: (reason) => cancelled = reason,
  });
  const answer = await call(handler, "/inspect", { body: endless });
  assertRefused(answer, 408, "REQUEST_TIMEOUT");
  assert.equal(answer.headers.get("connection"), "close");
  assert.ok(cancelled);
  let pulled = false;
  const unread = new ReadableStream({ pull: () => void (pulled = true) }, { highWaterMark: 0 });
  const headers = { "content-length": "65537" };
  assertRefused(await call(handler, "/inspect", { body: unread, headers }), 413, "BODY_TOO_LARGE");
  assert.ok(!pulled);
  const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("connection reset")) });
  assertRefused(await call(handler, "/inspect", { body: broken }), 400, "BAD_REQUEST");
});
