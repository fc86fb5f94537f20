import type { Digest } from "../../spec/room.ts";
import type { Revised } from "../../kv/room.ts";
import { type AnsweredError, HandlerError } from "../handler_error.ts";

/**
 * State of a run. `published`, `superseded` and `ended` are final; a failed run is published again after the next
 * report.
 */
export type RunState = "collecting" | "publishing" | "published" | "failed" | "superseded" | "ended";

/** Record of one run: the reports of one build for one or more tags. */
export interface Run extends Revised {
  /** Tag that is published, as in `quay.io/me/app:1`. */
  readonly target: string;
  /** Further tags of the same repository that are published, without its name. Set by the first report. */
  readonly tags: readonly string[];
  /** Name that distinguishes it from other builds for the same tag. */
  readonly run: string;
  /** Expected platforms, in the order of the index. Set by the first report. */
  readonly expected: readonly string[];
  /** Annotations of the index. Set by the first report. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Accepted report for each platform, by platform. */
  readonly reports: Readonly<Record<string, Reported>>;
  /** Sequence number among the runs for each of its tags, from 1; by tags without the name of the repository. */
  readonly orders: Readonly<Record<string, number>>;
  /** Name of the caller that sent the first report. */
  readonly owner: string;
  /** Time of the first report, in milliseconds since 1970. */
  readonly began: number;
  /** Time when the run expires, in milliseconds since 1970. */
  readonly expires: number;
  /** Current state of the run. */
  readonly state: RunState;
  /** Right to publish the run; `undefined` while nobody publishes it. */
  readonly lease?: PublishLease | undefined;
  /** Planned change of the tags. Recorded before they are written; `undefined` before that. */
  readonly plan?: Plan | undefined;
  /** Further tags that were left unchanged because a newer run or another writer has changed them; set when it is published. */
  readonly superseded?: readonly string[] | undefined;
  /** Reason why publishing failed; `undefined` if it did not fail. */
  readonly error?: AnsweredError | undefined;
}

/** Accepted report of a platform. */
export interface Reported {
  /** Reported image, named by its digest. */
  readonly image: string;
  /** Name of the caller that reported it. */
  readonly by: string;
  /** Time of the report, in milliseconds since 1970. */
  readonly at: number;
}

/** Exclusive right to publish a run, for a limited time. */
export interface PublishLease {
  /** Random id of the request that holds it. */
  readonly holder: string;
  /** Time when it ends unless its holder renews it, in milliseconds since 1970. */
  readonly until: number;
}

/** Planned change of the tags of a run. */
export interface Plan {
  /** Digest of each tag before the change, by tags without the name of the repository; `null` for a new tag. */
  readonly before: Readonly<Record<string, Digest | null>>;
  /** Digest of the index that is published. */
  readonly digest: Digest;
}

/** Report of one build job. */
export interface Report extends Pick<Run, "target" | "tags" | "run" | "expected" | "annotations">, Reported {
  /** Platforms of the reported image. */
  readonly platforms: readonly string[];
  /** Whether it may replace earlier reports for the platforms. */
  readonly replace: boolean;
}

/** Returns the full names of all tags of a run: first its target. */
export function listTags({ target, tags }: Pick<Run, "target" | "tags">): readonly string[] {
  return [target, ...tags.map((tag) => nameTag(target, tag))];
}

/** Returns the full name of a tag in the repository of `target`. */
export function nameTag(target: string, tag: string): string {
  return `${target.slice(0, -tagOf(target).length)}${tag}`;
}

/** Returns the tag in a full name. Records of runs have only this part of the names, to stay small. */
export function tagOf(name: string): string {
  return name.slice(name.lastIndexOf(":") + 1);
}

/** Returns whether nothing can change a run in this state any more. */
export function isFinal({ state }: Pick<Run, "state">): boolean {
  return state === "published" || state === "superseded" || state === "ended";
}

/**
 * Returns the run with the report added; the same object if the report is already in it. Throws an error with status 409
 * if the report contradicts the run, or the run was ended.
 */
export function addReport(run: Run, report: Report): Run {
  if (run.state === "ended") throw finished(run, "accept the report");
  assertSameExpectation(run, report);
  const { platforms, image, by, at, replace } = report;
  const others = platforms.filter((platform) => run.reports[platform]?.image !== image);
  if (others.length === 0) return run;
  for (const platform of others) {
    const reported = run.reports[platform]?.image;
    if (run.state === "failed" || run.state === "collecting" && (reported === undefined || replace)) continue;
    const message =
      `Cannot accept ${image} for ${platform}: ${reported} is already reported, and the run is ${run.state}`;
    throw new HandlerError(409, { code: "REPORT_DIFFERS", message });
  }
  return {
    ...run,
    reports: { ...run.reports, ...Object.fromEntries(others.map((name) => [name, { image, by, at }])) },
  };
}

/** Asserts that a report expects the same platforms, tags and annotations as the first report of its run. */
function assertSameExpectation(run: Run, { expected, tags, annotations }: Report): void {
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const sorted = (record: Readonly<Record<string, string>>) => Object.entries(record).sort();
  const sameTags = same(run.tags.toSorted(), tags.toSorted());
  if (same(run.expected, expected) && sameTags && same(sorted(run.annotations), sorted(annotations))) return;
  const message =
    `Cannot accept the report: the first report of the run has other annotations or tags, or expects ${run.expected}`;
  throw new HandlerError(409, { code: "EXPECTATION_DIFFERS", message });
}

/** Lists the platforms that are not reported yet. */
function listMissing({ expected, reports }: Run): string[] {
  return expected.filter((platform) => reports[platform] === undefined);
}

/** Returns whether a publisher has a lease for the run that is still valid. */
function isBeingPublished(run: Run, now: number): boolean {
  return run.state === "publishing" && run.lease !== undefined && now < run.lease.until;
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
  if (!open || isBeingPublished(run, now) || listMissing(run).length > 0) return undefined;
  const { error: _, ...rest } = run;
  // A failed run may have got other reports since, so its plan no longer applies.
  return { ...rest, plan: run.state === "failed" ? undefined : run.plan, state: "publishing", lease };
}

/**
 * Returns the run in state `ended`; the same object if it already is. Throws an error with status 409 if it is published,
 * superseded or being published.
 */
export function endRun(run: Run, now: number): Run {
  if (run.state === "ended") return run;
  if (isFinal(run)) throw finished(run, "end it");
  if (isBeingPublished(run, now)) {
    const seconds = Math.ceil((run.lease!.until - now) / 1000);
    const message = `Cannot end run ${run.run} of ${run.target}: it is being published`;
    throw new HandlerError(409, { code: "RUN_PUBLISHING", message }, { "retry-after": `${seconds}` });
  }
  return { ...run, state: "ended", lease: undefined };
}

function finished({ run, target, state }: Run, action: string): HandlerError {
  const message = `Cannot ${action}: run ${run} of ${target} is ${state}`;
  return new HandlerError(409, { code: "RUN_FINISHED", message });
}

/** Returns the members of a run that are answered to callers. */
export function describeRun(run: Run) {
  const { target, tags, run: name, state, expected, reports, began, expires, lease, plan, superseded = [], error } =
    run;
  const entries = Object.entries(reports);
  return {
    target,
    ...(tags.length > 0 ? { tags: listTags(run).slice(1) } : {}),
    run: name,
    state,
    expected,
    missing: listMissing(run),
    reports: Object.fromEntries(entries.map(([platform, { image }]) => [platform, image])),
    reporters: Object.fromEntries(entries.map(([platform, { by, at }]) => [platform, { by, at: toIsoTime(at) }])),
    began: toIsoTime(began),
    expires: toIsoTime(expires),
    ...(state === "publishing" && lease ? { leaseUntil: toIsoTime(lease.until) } : {}),
    ...(state === "published" ? { digest: plan!.digest } : {}),
    ...(superseded.length > 0 ? { superseded: superseded.map((tag) => nameTag(target, tag)) } : {}),
    ...(error ? { error } : {}),
  };
}

function toIsoTime(time: number): string {
  return new Date(time).toISOString();
}
