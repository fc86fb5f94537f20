import type { Digest } from "../../spec/room.ts";
import type { Revised } from "../../kv/room.ts";
import { type AnsweredError, HandlerError } from "../handler_error.ts";

/** State of a run; the last three are final, except that a failed run can be reported again. */
export type RunState = "collecting" | "publishing" | "published" | "failed" | "superseded";

/** Record of one run: the reports of one build for one tag. */
export interface Run extends Revised {
  /** Tag that is published, as in `quay.io/me/app:1`. */
  readonly target: string;
  /** Name that distinguishes it from other builds for the same tag. */
  readonly run: string;
  /** Expected platforms, in the order of the index. Set by the first report. */
  readonly expected: readonly string[];
  /** Annotations of the index. Set by the first report. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Reported images, named by digest, for each platform. */
  readonly reports: Readonly<Record<string, string>>;
  /** Sequence number among the runs for the tag, from 1. */
  readonly order: number;
  /** Time when the run expires, in milliseconds since 1970. */
  readonly expires: number;
  /** Current state of the run. */
  readonly state: RunState;
  /** Right to publish the run; `undefined` while nobody publishes it. */
  readonly lease?: PublishLease | undefined;
  /** Planned change of the tag. Recorded before the tag is written; `undefined` before that. */
  readonly plan?: Plan | undefined;
  /** Reason why publishing failed; `undefined` if it did not fail. */
  readonly error?: AnsweredError | undefined;
}

/** Exclusive right to publish a run, for a limited time. */
export interface PublishLease {
  /** Random id of the request that holds it. */
  readonly holder: string;
  /** Time when it ends, in milliseconds since 1970. */
  readonly until: number;
}

/** Planned change of a tag. */
export interface Plan {
  /** Digest of the tag before the change; `null` if the tag does not exist. */
  readonly before: Digest | null;
  /** Digest of the index that is published. */
  readonly digest: Digest;
}

/** Report of one build job. */
export interface Report extends Pick<Run, "target" | "run" | "expected" | "annotations"> {
  /** Platform of the reported image. */
  readonly platform: string;
  /** Reported image, named by digest. */
  readonly image: string;
  /** Whether it may replace an earlier report for the platform. */
  readonly replace: boolean;
}

/**
 * Returns the run with the report added; the same object if the report is already in it. Throws an error with status 409
 * if the report contradicts the run.
 */
export function addReport(run: Run, report: Report): Run {
  assertSameExpectation(run, report);
  const { platform, image, replace } = report;
  const reported = run.reports[platform];
  if (reported === image) return run;
  const mayChange = run.state === "failed" || run.state === "collecting" && (reported === undefined || replace);
  if (!mayChange) {
    const message =
      `Cannot accept ${image} for ${platform}: ${reported} is already reported, and the run is ${run.state}`;
    throw new HandlerError(409, { code: "REPORT_DIFFERS", message });
  }
  return { ...run, reports: { ...run.reports, [platform]: image } };
}

/** Asserts that a report expects the same platforms and annotations as the first report of its run. */
function assertSameExpectation(run: Run, { expected, annotations }: Report): void {
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const sorted = (record: Readonly<Record<string, string>>) => Object.entries(record).sort();
  if (same(run.expected, expected) && same(sorted(run.annotations), sorted(annotations))) return;
  const message =
    `Cannot accept the report: the first report of the run has other annotations, or expects ${run.expected}`;
  throw new HandlerError(409, { code: "EXPECTATION_DIFFERS", message });
}

/** Lists the platforms that are not reported yet. */
function listMissing({ expected, reports }: Run): string[] {
  return expected.filter((platform) => reports[platform] === undefined);
}

/**
 * Returns the run with this lease in state `publishing`; `undefined` if the run is incomplete, is finished, or has a lease
 * that is still valid.
 *
 * @param options.retryFailed Whether a failed run is published again.
 */
export function takePublishLease(
  run: Run,
  lease: PublishLease,
  { now, retryFailed }: { now: number; retryFailed: boolean },
): Run | undefined {
  const open = run.state === "failed" ? retryFailed : run.state === "collecting" || run.state === "publishing";
  const taken = run.state === "publishing" && run.lease !== undefined && now < run.lease.until;
  if (!open || taken || listMissing(run).length > 0) return undefined;
  const { error: _, ...rest } = run;
  // A failed run may have got other reports since, so its plan no longer applies.
  return { ...rest, plan: run.state === "failed" ? undefined : run.plan, state: "publishing", lease };
}

/** Returns the members of a run that are answered to callers. */
export function describeRun(run: Run) {
  const { target, run: name, state, expected, reports, plan, error } = run;
  return {
    target,
    run: name,
    state,
    expected,
    missing: listMissing(run),
    reports,
    ...(state === "published" ? { digest: plan!.digest } : {}),
    ...(error ? { error } : {}),
  };
}
