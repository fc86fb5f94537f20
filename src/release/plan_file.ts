import { findSimilar } from "../internal/room.ts";
import { ManifestsError } from "../spec/room.ts";
import type { LockStore, ReleaseHost } from "./host.ts";
import { findLocked, type ReleaseLock, withLocked } from "./lock.ts";
import { type PinOptions, pinSources } from "./pin_sources.ts";
import { planRelease, summarize } from "./plan.ts";
import type { PlannedRelease, ReleasePlan } from "./plan_types.ts";
import { type SurveyOptions, surveyRelease, surveyRemoved } from "./survey.ts";
import type { Release, ReleaseFile } from "./types.ts";

/** Options for {@linkcode planFile}. */
export interface PlanFileOptions extends SurveyOptions {
  /** Names of the releases to plan. Default: all, and those that only the lock has. */
  readonly names?: readonly string[] | undefined;
}

/**
 * Plans the releases of a file: compares it with its lock and with the registries. Writes nothing.
 *
 * @throws {ManifestsError} With code `NOT_FOUND` if a source does not exist, `NO_MATCHING_PLATFORM` if a required platform
 * is missing, `LOCK_OUTDATED` (see `frozen`). Else with the codes of `composeIndex`.
 */
export async function planFile(
  host: ReleaseHost,
  file: ReleaseFile,
  lock: ReleaseLock,
  options: PlanFileOptions = {},
): Promise<ReleasePlan> {
  const chosen = chooseReleases(file, options.names);
  const planned: PlannedRelease[] = [];
  for (const release of chosen) {
    const locked = findLocked(lock, release.name);
    const survey = await surveyRelease(host, release, locked, options);
    planned.push(planRelease(release.name, release, locked, survey, options));
  }
  const removed = options.names?.length
    ? []
    : Object.keys(lock.releases).toSorted().filter((name) => !file.releases.some((release) => release.name === name));
  for (const name of removed) {
    const locked = findLocked(lock, name);
    planned.push(planRelease(name, undefined, locked, await surveyRemoved(host, locked, options), options));
  }
  return summarize(planned);
}

/** Chooses the releases of a file by their names. */
function chooseReleases({ path, releases }: ReleaseFile, names: readonly string[] = []): readonly Release[] {
  const known = releases.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names.length === 0 ? releases : releases.filter(({ name }) => names.includes(name));
  const similar = findSimilar(unknown, known);
  throw new ManifestsError(
    "NOT_FOUND",
    `Cannot find the release ${JSON.stringify(unknown)} in ${path}: ` +
      (similar === undefined ? `it has ${known.join(", ")}` : `did you mean ${similar}?`),
  );
}

/**
 * Pins the sources of releases in the lock by digest. Writes nothing to registries.
 *
 * @throws {ManifestsError} With the codes of {@linkcode planFile}.
 */
export async function lockFile(
  host: ReleaseHost,
  file: ReleaseFile,
  lock: LockStore,
  options: PinOptions & Pick<PlanFileOptions, "names"> = {},
): Promise<void> {
  const before = await lock.read();
  const pinned = await Promise.all(
    chooseReleases(file, options.names).map(async (release) => {
      const { digests } = await pinSources(host, release, findLocked(before, release.name), options);
      return { name: release.name, sources: digests };
    }),
  );
  await lock.update((newest) =>
    pinned.reduce((lock, { name, sources }) => withLocked(lock, name, { ...findLocked(lock, name), sources }), newest)
  );
}
