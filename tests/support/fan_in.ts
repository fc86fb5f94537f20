/** Worlds with a database of runs, and what jobs report to them. */
import type { Digest } from "../../src/spec/room.ts";
import type { HandlerOptions } from "../../src/service/room.ts";
import { openTestKv } from "./kv.ts";
import { type Answer, call, type CallInit, type HandlerWorld, HOST, makeWorld } from "./handlers.ts";

/** The tag that is published. */
export const TARGET = `${HOST}/app:1`;
/** The expected platforms of a run. */
export const PLATFORMS: readonly string[] = ["linux/amd64", "linux/arm64", "linux/s390x"];

/** A handler. */
export type Handler = (request: Request) => Promise<Response>;

/** A world, a database in memory, and a clock that stands still. */
export class FanInWorld {
  now = 1_000_000;

  constructor(readonly world: HandlerWorld, readonly kv: Deno.Kv) {}

  /** Makes a handler on all that. */
  handler(options: Partial<HandlerOptions> = {}): Handler {
    return this.world.handler({ kv: this.kv, now: () => this.now, ...options });
  }

  /** Returns the report that a job sends. */
  report(platform: string, more: Record<string, unknown> = {}): { digest: Digest } & Record<string, unknown> {
    const digest = this.world.digests.get(platform)!;
    return { target: TARGET, run: "1", expected: PLATFORMS, platform, digest, ...more };
  }

  /** Sends the reports for these platforms, one after the other; returns the last answer. */
  async reportAll(handler: Handler, run = "1", platforms = PLATFORMS): Promise<Answer> {
    let last: Answer | undefined;
    for (const platform of platforms) last = await call(handler, "/fan-in", { body: this.report(platform, { run }) });
    return last!;
  }
}

/** Makes a world. */
export async function makeFanIn(kv: Deno.Kv): Promise<FanInWorld> {
  return new FanInWorld(await makeWorld(PLATFORMS.map((platform) => platform.split("/")[1]!)), kv);
}

/** A test with a world of its own. */
export function fanInTest(name: string, fn: (at: FanInWorld) => Promise<void>): void {
  Deno.test(name, async () => {
    using kv = await openTestKv();
    await fn(await makeFanIn(kv));
  });
}

/** Requests the state of a run. */
export async function getRun(handler: Handler, run = "1", init: CallInit = {}): Promise<Answer> {
  return await call(handler, `/fan-in?${new URLSearchParams({ target: TARGET, run })}`, init);
}
