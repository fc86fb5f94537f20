import type { SystemContext } from "../../image/room.ts";
import type { Kv } from "../../kv/room.ts";
import { create } from "../../system/remote/room.ts";
import { toHandlerError } from "../answers.ts";
import type { Call, Endpoint } from "../endpoints.ts";
import type { HandlerOptions, ResolvedLimits } from "../options.ts";
import { HandlerError } from "../handler_error.ts";
import { assertPlatforms } from "./platforms.ts";
import { publishRun } from "./publish.ts";
import { readReport, readRunQuery } from "./report.ts";
import { addReport, describeRun, type PublishLease, type Report, type Run, takePublishLease } from "./run.ts";
import { Runs } from "./runs.ts";

/**
 * Time that a publish lease lasts beyond the timeout of its request, in milliseconds: aborted work needs time to stop,
 * and the clocks of two hosts differ.
 */
const LEASE_MARGIN = 30_000;
/** Default of `runLifetime`: one week, in milliseconds. */
const RUN_LIFETIME = 7 * 24 * 60 * 60 * 1000;

/** Options for {@linkcode createFanIn}. */
export interface FanInOptions extends Pick<HandlerOptions, "kvPrefix" | "runLifetime" | "provenance"> {
  /** Database that keeps the runs. */
  readonly kv: Kv;
  /** System context for the requests to registries. */
  readonly systemContext: SystemContext;
  /** Limits on the size of reports. */
  readonly limits: ResolvedLimits;
  /** Current time, in milliseconds since 1970. */
  readonly now: () => number;
}

/** Creates the endpoints of a fan-in. Jobs report one platform each; the report that completes a run publishes it. */
export function createFanIn(options: FanInOptions): { report: Endpoint; getStatus: Endpoint } {
  const { kv, kvPrefix: prefix = ["multiarch", "fan-in"], runLifetime: lifetime = RUN_LIFETIME, now } = options;
  if (!(lifetime > 0 && Number.isFinite(lifetime))) {
    throw new RangeError(
      `Cannot create a handler: runLifetime must be positive and finite: current value is ${lifetime}`,
    );
  }
  const fanIn = new FanIn(new Runs({ kv, prefix, lifetime, now }), options);
  return { report: (call) => fanIn.report(call), getStatus: (call) => fanIn.getStatus(call) };
}

class FanIn {
  readonly #runs: Runs;
  readonly #options: FanInOptions;

  constructor(runs: Runs, options: FanInOptions) {
    this.#runs = runs;
    this.#options = options;
  }

  /** Records a report. Publishes the run if it is complete and neither published nor being published. */
  async report(call: Call): Promise<unknown> {
    const report = readReport(call, this.#options.limits);
    const existing = await this.#runs.find(report.target, report.run);
    if (!existing || addReport(existing, report) !== existing) await this.#assertImagePlatform(report, call.signal);
    const lease = this.#newLease();
    const change = (run: Run) => {
      const reported = addReport(run, report);
      return takePublishLease(reported, lease, { now: this.#options.now(), retryFailed: true }) ?? reported;
    };
    // A repeated report changes nothing, and needs no write.
    const run = existing && change(existing) === existing ? existing : await this.#runs.report(report, change);
    const { outcome, failure } = await this.#finish(run, lease, call.signal);
    if (failure) throw failure;
    if (outcome.state === "superseded") throw new HandlerError(409, outcome.error!);
    return describeRun(outcome);
  }

  /** Returns the state of a run. Publishes a complete run whose publisher has failed or lost its lease. */
  async getStatus(call: Call): Promise<unknown> {
    const { target, run: name } = readRunQuery(call);
    const lease = this.#newLease();
    const change = (run: Run) => takePublishLease(run, lease, { now: this.#options.now(), retryFailed: false }) ?? run;
    const existing = await this.#runs.find(target, name);
    const run = existing && (change(existing) === existing ? existing : await this.#runs.change(existing, change));
    if (!run) return failUnknownRun({ target, run: name });
    const { outcome } = await this.#finish(run, lease, call.signal);
    return describeRun(outcome);
  }

  /**
   * Publishes a run if this lease is its current one. Failures with a status of 500 or above are thrown and leave the
   * run unfinished, so that the next request tries again; other failures become the outcome of the run.
   */
  async #finish(run: Run, lease: PublishLease, signal: AbortSignal): Promise<{ outcome: Run; failure?: HandlerError }> {
    if (run.lease?.holder !== lease.holder) return { outcome: run };
    const holdsLease = (current: Run) => current.lease?.holder === lease.holder;
    const settle = async (outcome: Partial<Run>): Promise<Run> => {
      const end = (current: Run) => holdsLease(current) ? { ...current, ...outcome, lease: undefined } : current;
      return await this.#runs.change(run, end) ?? run;
    };
    try {
      await publishRun(run, {
        systemContext: this.#options.systemContext,
        provenance: this.#options.provenance,
        releases: () => this.#runs.releases(run.target),
        plan: (plan) =>
          this.#runs.plan(run, plan, (planned) => {
            if (!planned || !holdsLease(planned)) throw new LostLease();
            return planned;
          }),
        signal,
      });
      return { outcome: await settle({ state: "published" }) };
    } catch (error) {
      if (error instanceof LostLease) {
        return { outcome: await this.#runs.find(run.target, run.run) ?? failUnknownRun(run) };
      }
      const failure = toHandlerError(error);
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

  /**
   * Rejects an image that is for another platform. If the registry cannot be reached, the report is accepted:
   * publishing checks all images again.
   */
  async #assertImagePlatform({ image, platform }: Report, signal: AbortSignal): Promise<void> {
    const list = create();
    try {
      await list.add(`docker://${image}`, { all: true, systemContext: this.#options.systemContext, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (toHandlerError(error).status < 500) throw error;
      return;
    }
    assertPlatforms(list, [platform], image);
  }

  #newLease(): PublishLease {
    const until = this.#options.now() + this.#options.limits.requestTimeout + LEASE_MARGIN;
    return { holder: crypto.randomUUID(), until };
  }
}

/** Throws the error for a run that never began or has expired. */
function failUnknownRun({ target, run }: Pick<Run, "target" | "run">): never {
  throw new HandlerError(404, { code: "RUN_UNKNOWN", message: `Cannot find run ${run} of ${target}` });
}

/** Stops publishing because another request holds the lease of the run. */
class LostLease extends Error {}
