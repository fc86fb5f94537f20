import type { SystemContext } from "../../image/room.ts";
import type { Kv } from "../../kv/room.ts";
import { create } from "../../system/remote/room.ts";
import { refusalOf } from "../answers.ts";
import type { Call, Endpoint } from "../endpoints.ts";
import type { HandlerOptions, ResolvedLimits } from "../options.ts";
import { Refusal } from "../refusal.ts";
import { requirePlatforms } from "./platforms.ts";
import { publishRun } from "./publish.ts";
import { readReport, readRunQuery } from "./report.ts";
import { addReport, describeRun, type Lease, type Report, type Run, takeLease } from "./run.ts";
import { Runs } from "./runs.ts";

/** How long after the end of its request who publishes a run may still be at it, in milliseconds: clocks differ too. */
const LEASE_MARGIN = 30_000;
/** A week. */
const RUN_LIFETIME = 7 * 24 * 60 * 60 * 1000;

/** What {@linkcode createFanIn} needs. */
export interface FanInOptions extends Pick<HandlerOptions, "kvPrefix" | "runLifetime"> {
  /** Where runs are kept. */
  readonly kv: Kv;
  /** How to reach the registries. */
  readonly systemContext: SystemContext;
  /** How much it takes on. */
  readonly limits: ResolvedLimits;
  /** What the time is. */
  readonly now: () => number;
}

/** The endpoints of a fan-in: jobs report one platform each, and whoever completes a run publishes it. */
export function createFanIn(options: FanInOptions): { report: Endpoint; look: Endpoint } {
  const { kv, kvPrefix: prefix = ["multiarch", "fan-in"], runLifetime: lifetime = RUN_LIFETIME, now } = options;
  if (!(lifetime > 0 && Number.isFinite(lifetime))) {
    throw new RangeError(`Cannot create a handler as runLifetime must be positive: current value is ${lifetime}`);
  }
  const fanIn = new FanIn(new Runs({ kv, prefix, lifetime, now }), options);
  return { report: (call) => fanIn.report(call), look: (call) => fanIn.look(call) };
}

class FanIn {
  readonly #runs: Runs;
  readonly #options: FanInOptions;

  constructor(runs: Runs, options: FanInOptions) {
    this.#runs = runs;
    this.#options = options;
  }

  /** Takes a report; publishes the run where nothing is missing any more, or where that has not come to its end. */
  async report(call: Call): Promise<unknown> {
    const report = readReport(call, this.#options.limits);
    const there = await this.#runs.find(report.target, report.run);
    if (!there || addReport(there, report) !== there) await this.#checkImage(report, call.signal);
    const lease = this.#newLease();
    const change = (run: Run) => {
      const reported = addReport(run, report);
      return takeLease(reported, lease, { now: this.#options.now(), mends: true }) ?? reported;
    };
    // What changes nothing is not written.
    const run = there && change(there) === there ? there : await this.#runs.report(report, change);
    const { outcome, failure } = await this.#finish(run, lease, call.signal);
    if (failure) throw failure;
    if (outcome.state === "superseded") throw new Refusal(409, outcome.error!);
    return describeRun(outcome);
  }

  /** Tells how far a run is; publishes it where whoever should have done so has not. */
  async look(call: Call): Promise<unknown> {
    const { target, run: name } = readRunQuery(call);
    const lease = this.#newLease();
    const change = (run: Run) => takeLease(run, lease, { now: this.#options.now(), mends: false }) ?? run;
    const there = await this.#runs.find(target, name);
    const run = there && (change(there) === there ? there : await this.#runs.change(there, change));
    if (!run) return unknownRun({ target, run: name });
    const { outcome } = await this.#finish(run, lease, call.signal);
    return describeRun(outcome);
  }

  /** Publishes a run whose lease this is. A failure that may pass is thrown, and whoever comes next tries again. */
  async #finish(run: Run, lease: Lease, signal: AbortSignal): Promise<{ outcome: Run; failure?: Refusal }> {
    if (run.lease?.holder !== lease.holder) return { outcome: run };
    const holds = (there: Run) => there.lease?.holder === lease.holder;
    const settle = async (outcome: Partial<Run>): Promise<Run> => {
      const end = (there: Run) => holds(there) ? { ...there, ...outcome, lease: undefined } : there;
      return await this.#runs.change(run, end) ?? run;
    };
    try {
      await publishRun(run, {
        systemContext: this.#options.systemContext,
        releases: () => this.#runs.releases(run.target),
        plan: (plan) =>
          this.#runs.plan(run, plan, (planned) => {
            if (!planned || !holds(planned)) throw new LostLease();
            return planned;
          }),
        signal,
      });
      return { outcome: await settle({ state: "published" }) };
    } catch (error) {
      if (error instanceof LostLease) return { outcome: await this.#runs.find(run.target, run.run) ?? unknownRun(run) };
      const failure = refusalOf(error);
      const { status, code, message } = failure;
      if (status >= 500) {
        await settle({});
        throw error;
      }
      const state = code === "SUPERSEDED" ? "superseded" : "failed";
      const outcome = await settle({ state, error: { code, message } });
      return outcome.state === state ? { outcome, failure } : { outcome };
    }
  }

  /** Refuses an image for another platform. What the registry does not tell now, publishing will find out. */
  async #checkImage({ image, platform }: Report, signal: AbortSignal): Promise<void> {
    const list = create();
    try {
      await list.add(`docker://${image}`, { all: true, systemContext: this.#options.systemContext, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (refusalOf(error).status < 500) throw error;
      return;
    }
    requirePlatforms(list, [platform], image);
  }

  #newLease(): Lease {
    const until = this.#options.now() + this.#options.limits.requestTimeout + LEASE_MARGIN;
    return { holder: crypto.randomUUID(), until };
  }
}

/** Tells that a run never began, or is forgotten. */
function unknownRun({ target, run }: Pick<Run, "target" | "run">): never {
  throw new Refusal(404, { code: "RUN_UNKNOWN", message: `Cannot find run ${run} of ${target}` });
}

/** Ends the publishing of a run that somebody else publishes by now. */
class LostLease extends Error {}
