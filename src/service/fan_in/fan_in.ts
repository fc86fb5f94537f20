import type { SystemContext } from "../../image/room.ts";
import type { Kv } from "../../kv/room.ts";
import { joinSignals } from "../../internal/room.ts";
import { create } from "../../system/remote/room.ts";
import { toHandlerError } from "../answers.ts";
import { type Call, createEndpoint, type Endpoint } from "../endpoint.ts";
import { readTarget } from "../endpoints.ts";
import type { RequestLog } from "../events.ts";
import { badRequest, HandlerError } from "../handler_error.ts";
import type { HandlerOptions, ResolvedLimits } from "../options.ts";
import { count, optional, text, type Values } from "../request_fields.ts";
import type { Telemetry } from "../telemetry.ts";
import { Heartbeat } from "./heartbeat.ts";
import { assertPlatforms } from "./platforms.ts";
import { publishRun } from "./publish.ts";
import { createReportFields, readReport, readRunName, RUN_FIELD, TARGET_FIELD } from "./report.ts";
import { addReport, describeRun, endRun, type PublishLease, type Report, type Run, takePublishLease } from "./run.ts";
import type { Runs } from "./runs.ts";

/** Largest and default number of runs in one answer. A record has up to 64 KiB. */
const MAX_PAGE = 50;

/** Options for {@linkcode createFanIn}. */
export interface FanInOptions extends Pick<HandlerOptions, "kvPrefix" | "runLifetime" | "provenance"> {
  /** Database that keeps the runs. */
  readonly kv: Kv;
  /** System context for the requests to registries. */
  readonly systemContext: SystemContext;
  /** Limits on the size of reports. */
  readonly limits: ResolvedLimits;
  /** Duration of a publisher's lease, in milliseconds. */
  readonly publishLease: number;
  /** Current time, in milliseconds since 1970. */
  readonly now: () => number;
  /** Telemetry that gets a span for each publication. */
  readonly telemetry: Telemetry;
}

/** Creates the endpoints of a fan-in. Jobs report their platforms; the report that completes a run publishes it. */
export function createFanIn(runs: Runs, options: Omit<FanInOptions, keyof RunOptions>): Record<FanInMethod, Endpoint> {
  const fanIn = new FanIn(runs, options);
  const one = { target: TARGET_FIELD, run: RUN_FIELD };
  const page = {
    after: optional(text("List the runs after this name.", 128)),
    limit: count("Maximum number of runs to list.", { preset: MAX_PAGE, maximum: MAX_PAGE }),
  };
  return {
    POST: createEndpoint({
      summary: "Reports the image of one or more platforms. The report that completes the run publishes its index.",
      answer: "Run",
      fields: createReportFields(options.limits),
      run: (values, call) => fanIn.report(readReport(values, call, options.now()), call),
    }),
    GET: createEndpoint({
      summary: "Returns the state of a run; without run, lists the runs of the target by their names.",
      answer: "RunOrList",
      fields: { ...one, run: optional(RUN_FIELD), ...page },
      run: (values, call) => fanIn.get(values, call),
    }),
    DELETE: createEndpoint({
      summary: "Ends a run that is not published, so that no report can publish it any more.",
      answer: "Run",
      fields: one,
      run: (values, call) => fanIn.end(values, call),
    }),
  };
}

type FanInMethod = "GET" | "POST" | "DELETE";
type RunOptions = Pick<FanInOptions, "kv" | "kvPrefix" | "runLifetime">;

class FanIn {
  readonly #runs: Runs;
  readonly #options: Omit<FanInOptions, keyof RunOptions>;

  constructor(runs: Runs, options: Omit<FanInOptions, keyof RunOptions>) {
    this.#runs = runs;
    this.#options = options;
  }

  /** Records a report. Publishes the run if it is complete and neither published nor being published. */
  async report(report: Report, { signal, log }: Call): Promise<unknown> {
    const { target, run: name, platforms, image } = report;
    const step = { target, run: name, platforms, image };
    let run: Run;
    const lease = this.#newLease();
    try {
      const existing = await this.#runs.find(target, name);
      if (!existing || addReport(existing, report) !== existing) await this.#assertImagePlatforms(report, signal);
      const change = (run: Run) => {
        const reported = addReport(run, report);
        return takePublishLease(reported, lease, { now: this.#options.now(), retryFailed: true }) ?? reported;
      };
      // A repeated report changes nothing, and needs no write.
      const isRepeated = existing && change(existing) === existing;
      const recorded = isRepeated ? { run: existing, hasBegun: false } : await this.#runs.report(report, change);
      run = recorded.run;
      if (recorded.hasBegun) log.addStep("begin", { target, run: name });
      log.addStep("report", step);
    } catch (error) {
      const { code, status } = toHandlerError(error);
      log.addStep("report", { ...step, code, result: status < 500 ? "refused" : "failed" });
      throw error;
    }
    const { outcome, failure } = await this.#finish(run, lease, { signal, log });
    if (failure) throw failure;
    if (outcome.state === "superseded") throw new HandlerError(409, outcome.error!);
    return describeRun(outcome);
  }

  /** Returns the state of a run, or a page of the runs of a target. */
  async get(
    values: {
      readonly target: string;
      readonly run: string | undefined;
      readonly after: string | undefined;
      readonly limit: number;
    },
    call: Call,
  ): Promise<unknown> {
    const target = String(readTarget(values.target, call).dockerReference);
    if (values.run !== undefined) {
      if (values.after !== undefined) throw badRequest("it must not have both run and after");
      return await this.#getStatus(target, readRunName(values.run, call), call);
    }
    const after = values.after === undefined ? "" : readRunName(values.after, call);
    const { runs, ...next } = await this.#runs.list(target, { after, limit: values.limit });
    return { runs: runs.map(describeRun), ...next };
  }

  /** Returns the state of a run. Publishes a complete run whose publisher has failed or lost its lease. */
  async #getStatus(target: string, name: string, { signal, log }: Call): Promise<unknown> {
    const lease = this.#newLease();
    const change = (run: Run) => takePublishLease(run, lease, { now: this.#options.now(), retryFailed: false }) ?? run;
    const existing = await this.#runs.find(target, name);
    const run = existing && (change(existing) === existing ? existing : await this.#runs.change(existing, change));
    if (!run) return failUnknownRun({ target, run: name });
    const { outcome } = await this.#finish(run, lease, { signal, log });
    return describeRun(outcome);
  }

  /** Ends a run that is neither published nor being published. */
  async end(values: Values<{ target: typeof TARGET_FIELD; run: typeof RUN_FIELD }>, call: Call): Promise<unknown> {
    const target = String(readTarget(values.target, call).dockerReference);
    const run = readRunName(values.run, call);
    const ended = await this.#runs.change({ target, run }, (run) => endRun(run, this.#options.now()));
    if (!ended) return failUnknownRun({ target, run });
    call.log.addStep("end", { target, run });
    return describeRun(ended);
  }

  /**
   * Publishes a run if this lease is its current one. Failures with a status of 500 or above are thrown and leave the
   * run unfinished, so that the next request tries again; other failures become the outcome of the run.
   */
  async #finish(
    run: Run,
    lease: PublishLease,
    { signal, log }: { signal: AbortSignal; log: RequestLog },
  ): Promise<{ outcome: Run; failure?: HandlerError }> {
    if (run.lease?.holder !== lease.holder) return { outcome: run };
    const step = { target: run.target, run: run.run };
    const since = this.#options.now();
    log.addStep("lease", step);
    const settle = async (outcome: Partial<Run>): Promise<Run> => {
      const end = (current: Run) => hasLease(current, lease) ? { ...current, ...outcome, lease: undefined } : current;
      return await this.#runs.change(run, end) ?? run;
    };
    try {
      const { digest, superseded } = await this.#publish(run, lease, { signal, log });
      const outcome = await settle({ state: "published", ...(superseded.length > 0 ? { superseded } : {}) });
      log.addStep("publish", { ...step, digest }, since);
      return { outcome };
    } catch (error) {
      if (error instanceof LostLease) {
        return { outcome: await this.#runs.find(run.target, run.run) ?? failUnknownRun(run) };
      }
      const failure = toHandlerError(error);
      const { status, code, message } = failure;
      log.addStep("publish", { ...step, code, result: status < 500 ? "refused" : "failed" }, since);
      if (status >= 500) {
        await settle({});
        throw error;
      }
      const state = code === "SUPERSEDED" ? "superseded" : "failed";
      const outcome = await settle({ state, error: { code, message } });
      return outcome.state === state ? { outcome, failure } : { outcome };
    }
  }

  /** Publishes a run while renewing its lease. Throws `LostLease` if another request has taken it. */
  async #publish(run: Run, lease: PublishLease, { signal, log }: { signal: AbortSignal; log: RequestLog }) {
    const { systemContext, provenance, publishLease, now, telemetry } = this.#options;
    const step = { target: run.target, run: run.run };
    const keep = (current: Run | undefined): Run => {
      if (!current || !hasLease(current, lease)) throw new LostLease();
      return current;
    };
    await using heartbeat = new Heartbeat({
      interval: publishLease / 3,
      renew: () =>
        this.#runs.change(run, (run) => ({ ...keep(run), lease: { ...lease, until: now() + publishLease } })),
      isLost: (error) => error instanceof LostLease,
      signal,
    });
    using joined = joinSignals(signal, heartbeat.signal);
    return await telemetry.span("publish run", { target: run.target, run: run.run }, async (span) => {
      const publication = await publishRun(run, {
        systemContext,
        provenance,
        releases: (names) => this.#runs.releases(names),
        plan: async (plan) => {
          await this.#runs.plan(run, plan, keep);
          log.addStep("plan", { ...step, digest: plan.digest });
        },
        onConflict: () => log.addStep("conflict", { ...step, code: "CONFLICT", result: "refused" }),
        signal: joined.signal,
      });
      span.describe({ digest: publication.digest });
      return publication;
    });
  }

  /**
   * Rejects an image that is for other platforms. If the registry cannot be reached, the report is accepted:
   * publishing checks all images again.
   */
  async #assertImagePlatforms({ image, platforms }: Report, signal: AbortSignal): Promise<void> {
    const list = create();
    try {
      await list.add(`docker://${image}`, { all: true, systemContext: this.#options.systemContext, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (toHandlerError(error).status < 500) throw error;
      return;
    }
    assertPlatforms(list, platforms, image);
  }

  #newLease(): PublishLease {
    return { holder: crypto.randomUUID(), until: this.#options.now() + this.#options.publishLease };
  }
}

function hasLease(run: Run, { holder }: PublishLease): boolean {
  return run.lease?.holder === holder;
}

/** Throws the error for a run that never began or has expired. */
function failUnknownRun({ target, run }: Pick<Run, "target" | "run">): never {
  throw new HandlerError(404, { code: "RUN_UNKNOWN", message: `Cannot find run ${run} of ${target}` });
}

/** Stops publishing because another request holds the lease of the run. */
class LostLease extends Error {}
