/** Fan-in whose handler crashes or fails at each step: the next request finishes the work, and the tag is written once. */
import assert from "node:assert/strict";
import { call } from "../support/handlers.ts";
import { type FanInWorld, getRun, type Handler, makeFanIn, PLATFORMS } from "../support/fan_in.ts";
import { Fate, FATES } from "../support/mortal.ts";
import { HeldTimers, runPending } from "../support/timers.ts";

// The sanitizers of Deno are off by default.
Deno.test.sanitizer({ ops: true, resources: true });

const LAST = PLATFORMS.at(-1)!;

/** Requests by which another handler finishes the work. */
const FINISHERS: ((at: FanInWorld, handler: Handler) => Promise<unknown>)[] = [
  (at, handler) => call(handler, "/fan-in", { body: at.report(LAST) }),
  async (at, handler) => {
    // Only if the report was lost, its job must send it again.
    if ((await getRun(handler)).body.missing.length > 0) await call(handler, "/fan-in", { body: at.report(LAST) });
  },
];

/** Lifetime of a handler, which ends when the test crashes it. */
class HandlerTime implements Disposable {
  readonly requestTimeout = 12_345;
  readonly #timers = new HeldTimers(this.requestTimeout);
  #isOver = false;

  /** Crashes the handler once the current step has ended; the promise never settles, as with a dead process. */
  async end(): Promise<never> {
    if (!this.#isOver) {
      this.#isOver = true;
      await runPending();
      this.#timers.fire();
    }
    return await new Promise<never>(() => {});
  }

  [Symbol.dispose](): void {
    this.#timers[Symbol.dispose]();
  }
}

for (const fate of FATES) {
  Deno.test(`after a handler ${fate} any step of publishing, another one finishes the work`, async () => {
    let digest: string | undefined;
    for (let n = 1;; n++) {
      using kv = await Deno.openKv(":memory:");
      const at = await makeFanIn(kv);
      await at.reportAll(at.handler(), "1", PLATFORMS.slice(0, -1));
      using time = new HandlerTime();
      const step = new Fate(n, fate, () => time.end());
      const mortal = at.handler({
        kv: step.kv(kv),
        systemContext: { fetch: step.fetch(at.world.fetch) },
        limits: { requestTimeout: time.requestTimeout },
      });
      const { status } = await call(mortal, "/fan-in", { body: at.report(LAST) });
      if (!step.isMet && status === 200) {
        assert.ok(n > 20, `${n} steps`);
        return;
      }
      at.now += 90_000;
      await FINISHERS[n % 2]!(at, at.handler());
      const { body } = await getRun(at.handler());
      assert.deepEqual([body.state, at.world.countWrites("1")], ["published", 1], `step ${n}: ${JSON.stringify(body)}`);
      assert.equal(body.digest, await at.world.digestAt("1"));
      assert.equal(body.digest, digest ??= body.digest);
    }
  });
}

Deno.test("a handler that crashes at any step of the first report leaves a run that can continue, or none", async () => {
  for (let n = 1;; n++) {
    using kv = await Deno.openKv(":memory:");
    const at = await makeFanIn(kv);
    using time = new HandlerTime();
    const step = new Fate(n, "dies after", () => time.end());
    const mortal = at.handler({
      kv: step.kv(kv),
      systemContext: { fetch: step.fetch(at.world.fetch) },
      limits: { requestTimeout: time.requestTimeout },
    });
    const { status } = await call(mortal, "/fan-in", { body: at.report(PLATFORMS[0]!) });
    if (!step.isMet && status === 200) return;
    const { body } = await at.reportAll(at.handler());
    assert.deepEqual([body.state, at.world.countWrites("1")], ["published", 1]);
  }
});
