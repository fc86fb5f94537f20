/** The lease of a publisher: how long a run stays in state `publishing`. */
import assert from "node:assert/strict";
import type { Run } from "../../src/service/fan_in/run.ts";
import { fanInTest, type FanInWorld, getRun, type Handler, PLATFORMS, TARGET } from "../support/fan_in.ts";
import { assertRefused, call } from "../support/handlers.ts";
import { HeldTimers, runPending } from "../support/timers.ts";

// The sanitizers of Deno are off by default.
Deno.test.sanitizer({ ops: true, resources: true });

/** Lease of the handlers, in milliseconds, and the interval in which it is renewed. */
const LEASE = 30_003, INTERVAL = LEASE / 3;
/** Timeout of requests whose timers the test holds, in milliseconds. */
const REQUEST_TIMEOUT = 12_345;

/** Creates a handler whose writes of the index stall until `goOn` is called; `stalled` resolves then. */
function makeStalling(at: FanInWorld, options: Parameters<FanInWorld["handler"]>[0] = {}) {
  const stalled = Promise.withResolvers<void>(), goOn = Promise.withResolvers<void>();
  const fetch = async (request: Request) => {
    if (request.method === "PUT" && request.url.endsWith("/manifests/1")) {
      stalled.resolve();
      await goOn.promise;
      request.signal.throwIfAborted();
    }
    return await at.world.fetch(request);
  };
  const handler = at.handler({ publishLease: LEASE, systemContext: { fetch }, ...options });
  return { handler, stalled: stalled.promise, goOn: () => goOn.resolve() };
}

async function getLease(at: FanInWorld): Promise<Run["lease"]> {
  return (await at.kv.get<Run>(["multiarch", "fan-in", "run", TARGET, "1"])).value?.lease;
}

fanInTest("a publisher that is alive renews its lease, and is not replaced", async (at) => {
  using timers = new HeldTimers(INTERVAL);
  const { handler, stalled, goOn } = makeStalling(at);
  const last = at.reportAll(handler);
  await stalled;
  const first = (await getLease(at))!;
  const other = at.handler({ publishLease: LEASE });
  for (let beat = 1; beat <= 5; beat++) {
    at.now += INTERVAL;
    timers.fire();
    await runPending();
    assert.deepEqual(await getLease(at), { holder: first.holder, until: at.now + LEASE });
    const { body } = await getRun(other);
    assert.deepEqual([body.state, body.leaseUntil], ["publishing", new Date(at.now + LEASE).toISOString()]);
  }
  goOn();
  assert.deepEqual([(await last).body.state, at.world.countWrites("1")], ["published", 1]);
});

fanInTest("a publisher whose lease was taken stops at its next heartbeat", async (at) => {
  using timers = new HeldTimers(INTERVAL);
  const { handler, stalled, goOn } = makeStalling(at);
  const last = at.reportAll(handler);
  await stalled;
  at.now += LEASE;
  assert.equal((await getRun(at.handler({ publishLease: LEASE }))).body.state, "published");
  timers.fire();
  await runPending();
  goOn();
  assert.deepEqual([(await last).body.state, at.world.countWrites("1")], ["published", 1]);
});

fanInTest("a heartbeat that cannot reach the database is tried again", async (at) => {
  using timers = new HeldTimers(INTERVAL);
  let isDown = false;
  const kv = {
    getMany: (keys: Deno.KvKey[]) => isDown ? Promise.reject(new Error("the network is gone")) : at.kv.getMany(keys),
    list: at.kv.list.bind(at.kv),
    atomic: () => at.kv.atomic(),
  };
  const { handler, stalled, goOn } = makeStalling(at, { kv });
  const last = at.reportAll(handler);
  await stalled;
  const before = await getLease(at);
  for (const down of [true, false]) {
    isDown = down;
    at.now += INTERVAL;
    timers.fire();
    await runPending();
  }
  assert.deepEqual(await getLease(at), { ...before, until: at.now + LEASE });
  goOn();
  assert.equal((await last).body.state, "published");
});

/** Lets a handler die as soon as it writes the index; its request is gone then, and it renews nothing. */
async function dieWhilePublishing(at: FanInWorld, send: (handler: Handler) => Promise<unknown>): Promise<void> {
  using time = new HeldTimers(REQUEST_TIMEOUT);
  let isDead = false;
  const { handler, stalled } = makeStalling(at, { limits: { requestTimeout: REQUEST_TIMEOUT }, kv: mortal() });
  const sent = send(handler);
  await stalled;
  isDead = true;
  time.fire();
  await sent;

  function mortal() {
    const never = () => new Promise<never>(() => {});
    return {
      getMany: (keys: Deno.KvKey[]) => isDead ? never() : at.kv.getMany(keys),
      list: at.kv.list.bind(at.kv),
      atomic: () => at.kv.atomic(),
    };
  }
}

fanInTest("a run whose publishers die one after the other is published one lease after the last death", async (at) => {
  await at.reportAll(at.handler(), "1", PLATFORMS.slice(0, 2));
  const report = (handler: Handler) => call(handler, "/fan-in", { body: at.report(PLATFORMS[2]!) });
  await dieWhilePublishing(at, report);
  const healthy = at.handler({ publishLease: LEASE });
  const deaths = 6;
  for (let death = 0; death < deaths; death++) {
    at.now += LEASE - 1;
    const { body } = await getRun(healthy);
    assert.equal(body.state, "publishing");
    assertRefused(
      await call(healthy, `/fan-in?${new URLSearchParams({ target: TARGET, run: "1" })}`, { method: "DELETE" }),
      409,
      "RUN_PUBLISHING",
    );
    at.now += 1;
    // The next one that looks becomes the publisher, by a report or by a request for the state.
    await dieWhilePublishing(at, death % 2 ? report : (handler) => getRun(handler));
  }
  at.now += LEASE;
  assert.equal((await getRun(healthy)).body.state, "published");
  assert.equal(at.world.countWrites("1"), 1);
});

fanInTest("a lease lasts 30 seconds by default, and cannot be shorter than a second", async (at) => {
  const { handler, stalled, goOn } = makeStalling(at, { publishLease: undefined });
  const last = at.reportAll(handler);
  await stalled;
  assert.equal((await getLease(at))!.until, at.now + 30_000);
  goOn();
  await last;
  for (const publishLease of [0, 999, NaN, Infinity]) {
    assert.throws(() => at.handler({ publishLease }), RangeError);
  }
});
