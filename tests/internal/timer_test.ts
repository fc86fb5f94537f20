/** Timers that share one of the runtime. `AbortSignal.timeout` is replaced, so that the tests decide when it ends. */
import assert from "node:assert/strict";

/** Loads a new copy of the module, with a clock and alarms in the hands of the test. */
async function load() {
  const { now } = performance, { timeout } = AbortSignal;
  const world = { clock: 0, alarms: [] as { end: number; controller: AbortController; listeners: number }[] };
  performance.now = () => world.clock;
  const { startTimer } = await import(`../../src/internal/timer.ts#${crypto.randomUUID()}`);
  performance.now = now;
  AbortSignal.timeout = (milliseconds) => {
    const controller = new AbortController();
    const alarm = { end: world.clock + milliseconds, controller, listeners: 0 };
    const { signal } = controller;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...args: unknown[]) => (alarm.listeners++, add(...args as Parameters<typeof add>));
    signal.removeEventListener = (
      ...args: unknown[]
    ) => (alarm.listeners--, remove(...args as Parameters<typeof remove>));
    world.alarms.push(alarm);
    return signal;
  };
  const fired: string[] = [];
  return {
    world,
    fired,
    start: (name: string, milliseconds: number): () => void => startTimer(milliseconds, () => fired.push(name)),
    /** Lets the time of the last alarm come, or another time. */
    ring: (alarm = world.alarms.at(-1)!, clock = alarm.end) => {
      world.clock = clock;
      alarm.controller.abort();
    },
    [Symbol.dispose]: () => void (AbortSignal.timeout = timeout),
  };
}

Deno.test("timers of one duration share an alarm, and each ends at its time", async () => {
  using at = await load();
  at.start("a", 100);
  at.world.clock = 30;
  at.start("b", 100);
  at.start("c", 100)();
  assert.equal(at.world.alarms.length, 1);
  at.ring();
  assert.deepEqual(at.fired, ["a"]);
  assert.deepEqual(at.world.alarms.map(({ end }) => end), [100, 130]);
  at.ring();
  assert.deepEqual(at.fired, ["a", "b"]);
  assert.equal(at.world.alarms.length, 2);
});

Deno.test("a timer may be longer than an alarm, or never end", async () => {
  using at = await load();
  const limit = 2 ** 31 - 1;
  at.start("never", Infinity);
  at.start("late", limit + 100);
  assert.deepEqual(at.world.alarms.map(({ end }) => end), [limit]);
  at.ring();
  assert.deepEqual([at.fired, at.world.alarms.at(-1)!.end], [[], limit + 100]);
  at.ring();
  assert.deepEqual(at.fired, ["late"]);
});

Deno.test("a timer that ends earlier than the alarm gets an earlier one, and a clock that lags rings again", async () => {
  using at = await load();
  at.start("late", 100);
  at.start("early", 10);
  assert.deepEqual(at.world.alarms.map(({ end, listeners }) => [end, listeners]), [[100, 0], [10, 1]]);
  at.ring(at.world.alarms[1], 9.5);
  assert.deepEqual([at.fired, at.world.alarms[2]!.end], [[], 10.5]);
  at.ring();
  assert.deepEqual(at.fired, ["early"]);
});

Deno.test("an alarm without timers keeps no process running, serves the next timer, and is replaced if it has rung", async () => {
  using at = await load();
  const stop = at.start("a", 100);
  stop();
  stop();
  const [first] = at.world.alarms;
  assert.equal(first!.listeners, 0);
  at.start("b", 100)();
  at.start("c", 200)();
  assert.deepEqual([at.world.alarms.length, first!.listeners], [1, 0]);
  at.ring();
  at.start("d", 50);
  assert.deepEqual(at.world.alarms.map(({ end, listeners }) => [end, listeners]), [[100, 0], [150, 1]]);
  at.ring();
  assert.deepEqual(at.fired, ["d"]);
});
