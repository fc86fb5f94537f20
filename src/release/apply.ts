import { Disposables } from "../internal/room.ts";
import { openRepositoryWith } from "../actions/room.ts";
import { ManifestsError, parseReference } from "../spec/room.ts";
import type { LockStore, ReleaseHost } from "./host.ts";
import { findLocked, withLocked } from "./lock.ts";
import { openKeys } from "./open_keys.ts";
import { planFile, type PlanFileOptions } from "./plan_file.ts";
import type { PlannedRelease, PlannedTag, ReleasePlan } from "./plan_types.ts";
import { listSteps, type PublishOptions, publishRelease } from "./publish_release.ts";
import type { ReleaseFile } from "./types.ts";

/** Options for {@linkcode applyFile}. */
export interface ApplyOptions extends PlanFileOptions, PublishOptions {
  /** Called with the plan before anything is written. An exception that it throws ends the call. Default: no callback. */
  readonly onPlan?: ((plan: ReleasePlan) => unknown) | undefined;
}

/**
 * Makes the registries what a release file says: plans everything, then publishes each release and records it in the lock.
 * A plan without changes writes nothing to registries.
 *
 * @returns The plan that was carried out.
 * @throws {ManifestsError} With code `TAG_DRIFTED` or `TAG_IMMUTABLE` if a tag must not be overwritten; nothing is written
 * then. `CONFLICT` if another writer moved a tag after the plan. Else with the codes of `composeIndex`.
 */
export async function applyFile(
  host: ReleaseHost,
  file: ReleaseFile,
  lock: LockStore,
  options: ApplyOptions = {},
): Promise<ReleasePlan> {
  const plan = await planFile(host, file, await lock.read(), options);
  await options.onPlan?.(plan);
  assertApplicable(plan);
  const planOf = (name: string) => plan.releases.find((planned) => planned.name === name);
  const releases = file.releases.filter(({ name }) => planOf(name));
  await using held = new Disposables();
  const keys = await openKeys(host, releases.filter(({ name }) => listSteps(planOf(name)!).length > 0), held);
  for (const release of releases) {
    const { name } = release;
    const prepared = { release, planned: planOf(name)!, keys: keys.get(name) ?? { signers: [] } };
    await publishRelease(host, prepared, lock, options);
  }
  // Old tags are deleted when all new ones exist.
  for (const planned of plan.releases) await deleteTags(host, planned, lock, options);
  return plan;
}

/** Throws an error for a plan that must not be carried out. */
export function assertApplicable({ releases, summary }: ReleasePlan): void {
  const tags = releases.flatMap(({ tags }) => tags);
  const describe = (action: PlannedTag["action"]) =>
    tags.filter((tag) => tag.action === action).map(({ reference, reason }) => `${reference} (${reason})`).join(", ");
  if (summary.refuse > 0) {
    throw new ManifestsError(
      "TAG_IMMUTABLE",
      `Cannot publish ${describe("refuse")}: immutable tags must not move: publish a new tag`,
    );
  }
  if (summary.drift > 0) {
    throw new ManifestsError(
      "TAG_DRIFTED",
      `Cannot publish ${describe("drift")}: another writer changed these tags after the last release: ` +
        "inspect them, or overwrite them with force (--force)",
    );
  }
}

/** Deletes the tags that are not in the file any more, and removes them from the lock. */
async function deleteTags(
  { runtime }: ReleaseHost,
  { name, index, tags }: PlannedRelease,
  lock: LockStore,
  options: PublishOptions,
): Promise<void> {
  for (const step of tags) {
    const { reference, action } = step;
    if (action !== "delete" && action !== "forget") continue;
    if (action === "delete") {
      using repository = await openRepositoryWith(runtime, `docker://${reference}`, options);
      await repository.deleteTag(parseReference(reference).tag!);
    }
    await lock.update((newest) => {
      const { tags: { [reference]: _, ...rest }, ...locked } = findLocked(newest, name);
      return withLocked(newest, name, { ...locked, tags: rest });
    });
    if (action === "delete") await options.onTag?.(step);
  }
  if (index !== undefined) return;
  // Nothing is left of a release that is not in the file any more.
  await lock.update((newest) =>
    Object.keys(findLocked(newest, name).tags).length > 0 ? newest : withLocked(newest, name, { sources: {}, tags: {} })
  );
}
