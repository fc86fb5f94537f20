import type { Digest } from "../../spec/room.ts";
import type { Revised } from "../../kv/room.ts";
import { type AnsweredError, Refusal } from "../refusal.ts";

/** How far a run is. */
export type RunState = "collecting" | "publishing" | "published" | "failed" | "superseded";

/** What a fan-in knows of one run: the reports of one build for one tag. */
export interface Run extends Revised {
  /** The tag that is published, as in `quay.io/me/app:1`. */
  readonly target: string;
  /** What tells it from other builds for the tag. */
  readonly run: string;
  /** The platforms, in the order of the index. The first report fixes them. */
  readonly expected: readonly string[];
  /** Annotations of the index. The first report fixes them too. */
  readonly annotations: Readonly<Record<string, string>>;
  /** The images that were reported, by digest, by platform. */
  readonly reports: Readonly<Record<string, string>>;
  /** How many runs for the tag had begun when this one had. */
  readonly order: number;
  /** When it is forgotten, in milliseconds since 1970. */
  readonly expires: number;
  /** How far it is. */
  readonly state: RunState;
  /** Who publishes it, and until when nobody else does. */
  readonly lease?: Lease | undefined;
  /** What publishing it means: set before the tag is written. */
  readonly plan?: Plan | undefined;
  /** Why it failed. */
  readonly error?: AnsweredError | undefined;
}

/** The right to publish a run. */
export interface Lease {
  /** Whose it is. */
  readonly holder: string;
  /** When it ends, in milliseconds since 1970. */
  readonly until: number;
}

/** What a tag means before and after. */
export interface Plan {
  /** The digest that it is written over; `null`: nothing. */
  readonly before: Digest | null;
  /** The digest of the index. */
  readonly digest: Digest;
}

/** One job's report. */
export interface Report extends Pick<Run, "target" | "run" | "expected" | "annotations"> {
  /** The platform that it is about. */
  readonly platform: string;
  /** The image, by digest. */
  readonly image: string;
  /** Whether it may take the place of another report. */
  readonly replace: boolean;
}

/** A run with the report in it; the same one where it says nothing new. Throws a 409 where it contradicts. */
export function addReport(run: Run, report: Report): Run {
  requireExpectation(run, report);
  const { platform, image, replace } = report;
  const there = run.reports[platform];
  if (there === image) return run;
  const mayChange = run.state === "failed" || run.state === "collecting" && (there === undefined || replace);
  if (!mayChange) {
    const message = `Cannot take ${image} for ${platform} as ${there} was reported, and the run is ${run.state}`;
    throw new Refusal(409, { code: "REPORT_DIFFERS", message });
  }
  return { ...run, reports: { ...run.reports, [platform]: image } };
}

/** Checks that a report agrees with the first one of its run in what that fixes. */
function requireExpectation(run: Run, { expected, annotations }: Report): void {
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const sorted = (record: Readonly<Record<string, string>>) => Object.entries(record).sort();
  if (same(run.expected, expected) && same(sorted(run.annotations), sorted(annotations))) return;
  const message = `Cannot take the report as the run's first one has other annotations, or expects ${run.expected}`;
  throw new Refusal(409, { code: "EXPECTATION_DIFFERS", message });
}

/** The platforms that nobody has reported yet. */
function missingOf({ expected, reports }: Run): string[] {
  return expected.filter((platform) => reports[platform] === undefined);
}

/**
 * A run as whoever publishes it now takes it: everything is there, nobody else is at it, and it has not come to an end.
 * `undefined` where that is not so.
 *
 * @param mends Whether one that failed is tried again.
 */
export function takeLease(run: Run, lease: Lease, { now, mends }: { now: number; mends: boolean }): Run | undefined {
  const open = run.state === "failed" ? mends : run.state === "collecting" || run.state === "publishing";
  const taken = run.state === "publishing" && run.lease !== undefined && now < run.lease.until;
  if (!open || taken || missingOf(run).length > 0) return undefined;
  const { error: _, ...rest } = run;
  // What was planned with other reports is not what is published now.
  return { ...rest, plan: run.state === "failed" ? undefined : run.plan, state: "publishing", lease };
}

/** What a caller is told of a run. */
export function describeRun(run: Run) {
  const { target, run: name, state, expected, reports, plan, error } = run;
  return {
    target,
    run: name,
    state,
    expected,
    missing: missingOf(run),
    reports,
    ...(state === "published" ? { digest: plan!.digest } : {}),
    ...(error ? { error } : {}),
  };
}
