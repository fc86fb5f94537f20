import { diffIndexes, type ListDifference } from "../list/room.ts";
import { type Digest, formatPlatform, getEntries, isIndex, type ParsedManifest, parseReference } from "../spec/room.ts";
import { matchesGlob } from "./glob.ts";
import type { LockedRelease } from "./lock.ts";
import type { PlannedEntry, PlannedRelease, PlannedTag, PlanSummary, ReleasePlan, TagAction } from "./plan_types.ts";
import type { Release } from "./types.ts";

/** State of a tag in its registry. */
export interface TagState {
  /** Digest that it names; `null`: it does not exist; `undefined`: that could not be read. */
  readonly digest: Digest | null | undefined;
  /** Manifest that it names. `undefined`: it was not read. */
  readonly manifest?: ParsedManifest | undefined;
}

/** The state of the registries, as far as a release depends on it. */
export interface ReleaseSurvey {
  /** The index that the sources make. `undefined`: the release is not in the file any more. */
  readonly index: { readonly digest: Digest; readonly manifest: ParsedManifest } | undefined;
  /** Digests of the sources, by name. */
  readonly sources: Readonly<Record<string, Digest>>;
  /** Names of optional sources that do not exist. */
  readonly missing: readonly string[];
  /** States of tags, by name. */
  readonly tags: ReadonlyMap<string, TagState>;
  /** Reasons for which the tag `latest` of a repository must not move, by repository. */
  readonly holds: ReadonlyMap<string, string>;
}

/** Options for {@linkcode planTags}. */
export interface PlanOptions {
  /** Overwrite tags that somebody else changed. Default: `false`. */
  readonly force?: boolean | undefined;
  /** Delete tags that the lock file records, but the release file does not have any more. Default: `false`. */
  readonly prune?: boolean | undefined;
}

/**
 * Plans the steps for a release.
 *
 * @param release The release; `undefined` if it is not in the file any more.
 */
export function planRelease(
  name: string,
  release: Pick<Release, "targets" | "immutable"> | undefined,
  locked: LockedRelease,
  survey: ReleaseSurvey,
  options: PlanOptions = {},
): PlannedRelease {
  const { index, sources, missing } = survey;
  const targets = release?.targets ?? [];
  const leftovers = Object.keys(locked.tags).filter((reference) => !targets.includes(reference)).toSorted();
  return {
    name,
    index: index?.digest,
    mediaType: index?.manifest.mediaType,
    entries: index ? listEntries(index.manifest) : [],
    sources,
    missing,
    tags: [
      ...targets.map((reference) => planTag(reference, release!, locked, survey, options)),
      ...leftovers.map((reference) => planLeftover(reference, locked.tags[reference]!, survey, options)),
    ],
  };
}

/** Plans the step for a tag of the file. */
function planTag(
  reference: string,
  { immutable }: Pick<Release, "immutable">,
  locked: LockedRelease,
  { index, tags, holds }: ReleaseSurvey,
  { force = false }: PlanOptions,
): PlannedTag {
  const { digest: to, manifest: after } = index!;
  const { digest: from, manifest: before } = tags.get(reference) ?? { digest: undefined };
  const recorded = Object.hasOwn(locked.tags, reference) ? locked.tags[reference] : undefined;
  const planned = { reference, from, to, ...(recorded ? { recorded } : {}) };
  const named = parseReference(reference);
  if (from && (from === to || locked.converted?.[from] === to)) {
    return { ...planned, action: "keep", difference: NO_DIFFERENCE };
  }
  const hold = named.tag === "latest" ? holds.get(named.name) : undefined;
  if (hold !== undefined) return { ...planned, action: "hold", reason: hold, difference: NO_DIFFERENCE };
  const pattern = from && immutable.find((glob) => matchesGlob(named.tag!, glob));
  if (pattern) {
    return { ...planned, action: "refuse", reason: `immutable: ${pattern}`, difference: compare(before, after) };
  }
  const drift = force ? undefined : findDrift(from, recorded, locked.index);
  if (drift !== undefined) return { ...planned, action: "drift", reason: drift, difference: compare(before, after) };
  return { ...planned, action: from ? "move" : "add", difference: compare(before, after) };
}

/**
 * Returns how a tag differs from what was published last; `undefined` if it does not, or if nothing was. The index of the
 * lock is recorded before tags are moved to it: a tag that names it was moved by a run that ended before recording that.
 */
function findDrift(
  from: Digest | null | undefined,
  recorded: Digest | undefined,
  index: Digest | undefined,
): string | undefined {
  if (recorded === undefined || from === undefined || from === recorded || from === index) return undefined;
  return from === null ? "deleted" : "changed";
}

/** Plans the step for a tag that the lock records, but the file does not have any more. */
function planLeftover(
  reference: string,
  recorded: Digest,
  { tags }: ReleaseSurvey,
  { force = false, prune = false }: PlanOptions,
): PlannedTag {
  const from = tags.get(reference)?.digest;
  const planned = { reference, from, recorded, difference: NO_DIFFERENCE };
  if (!prune) return { ...planned, action: "leave" };
  if (from === null) return { ...planned, action: "forget" };
  if (from !== recorded && !force) return { ...planned, action: "drift", reason: "changed" };
  return { ...planned, action: "delete" };
}

const NO_DIFFERENCE: ListDifference = { instances: [], fields: [] };

/** Compares the manifest that a tag names, if it is a known index, with the index that it will name. */
function compare(before: ParsedManifest | undefined, after: ParsedManifest): ListDifference {
  if (before && isIndex(before) && isIndex(after)) return diffIndexes(before, after);
  const added = ({ platform, digest }: PlannedEntry) => ({ platform, after: digest, fields: [] });
  return { instances: listEntries(after).map(added), fields: [] };
}

function listEntries(manifest: ParsedManifest): PlannedEntry[] {
  if (!isIndex(manifest)) return [];
  return getEntries(manifest).map(({ platform, digest }) => ({ platform: formatPlatform(platform), digest }));
}

/** Returns the plan of several releases. */
export function summarize(releases: readonly PlannedRelease[]): ReleasePlan {
  const summary: Record<TagAction, number> = {
    add: 0,
    move: 0,
    keep: 0,
    drift: 0,
    refuse: 0,
    hold: 0,
    delete: 0,
    leave: 0,
    forget: 0,
  };
  for (const { tags } of releases) for (const { action } of tags) summary[action]++;
  return { releases, summary };
}

/** Returns whether a plan writes to registries. */
export function hasChanges({ add, move, delete: deleted }: PlanSummary): boolean {
  return add + move + deleted > 0;
}
