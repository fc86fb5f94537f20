import {
  type ComposeIndexOptions,
  composeWith,
  openRepositoryWith,
  type PublishedName,
  PublishError,
} from "../actions/room.ts";
import { type Digest, ManifestsError, parseReference } from "../spec/room.ts";
import type { LockStore, OpenedSigners, ReleaseHost } from "./host.ts";
import { findLocked, type LockedRelease, type ReleaseLock, withLocked } from "./lock.ts";
import { pinSources } from "./pin_sources.ts";
import type { PlannedRelease, PlannedTag, ReleasePlan } from "./plan_types.ts";
import { planFile, type PlanFileOptions } from "./plan_file.ts";
import { describeIndex } from "./survey.ts";
import type { Release, ReleaseFile } from "./types.ts";

/** Options of transfers that a release file does not have. */
export type TransferChoices = Pick<
  ComposeIndexOptions,
  "maxParallelTransfers" | "maxRetries" | "onProgress" | "reportWriter" | "retryDelay"
>;

/** Options for {@linkcode applyFile}. */
export interface ApplyOptions extends PlanFileOptions {
  /** Progress and limits of the transfers. Default: none are reported, and the limits of `composeIndex` apply. */
  readonly transfer?: TransferChoices | undefined;
  /** Called with the plan before anything is written. An exception that it throws ends the call. */
  readonly onPlan?: ((plan: ReleasePlan) => unknown) | undefined;
  /** Called for each tag that was written or deleted. */
  readonly onTag?: ((tag: PlannedTag) => unknown) | undefined;
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
  for (const planned of plan.releases) {
    const release = file.releases.find(({ name }) => name === planned.name);
    if (release) await publishRelease(host, release, planned, lock, options);
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

/** Publishes a release and records in the lock what became of its tags, also after a failure. */
async function publishRelease(
  host: ReleaseHost,
  release: Release,
  planned: PlannedRelease,
  lock: LockStore,
  options: ApplyOptions,
): Promise<void> {
  const { name, sources, index } = planned;
  const record = (change: (locked: LockedRelease) => LockedRelease) =>
    lock.update((newest: ReleaseLock) => withLocked(newest, name, change(findLocked(newest, name))));
  const steps = planned.tags.filter(({ action }) => action === "add" || action === "move");
  const kept = planned.tags.filter(({ action }) => action === "keep").map(({ reference }) => reference);
  // Recorded first, so that a run that is killed does not leave tags that look like those of somebody else.
  await record((locked) => ({ ...locked, sources, index: index!, tags: { ...locked.tags, ...setAll(kept, index!) } }));
  if (steps.length === 0) return;
  const done = (published: readonly PublishedName[]) =>
    published.filter(({ state }) => state === "written" || state === "unchanged").map(({ reference }) => reference);
  let published: readonly PublishedName[] = [];
  try {
    published = (await compose(host, release, planned, steps, options)).published;
  } catch (error) {
    if (error instanceof PublishError) published = error.published;
    throw error;
  } finally {
    const written = done(published);
    await record((locked) => ({ ...locked, tags: { ...locked.tags, ...setAll(written, index!) } }));
    for (const step of steps) if (written.includes(step.reference)) await options.onTag?.(step);
  }
}

function setAll(references: readonly string[], digest: Digest): Record<string, Digest> {
  return Object.fromEntries(references.map((reference) => [reference, digest]));
}

/** Pushes the index to all repositories, then moves the tags, each under the condition that it is as it was planned. */
async function compose(
  host: ReleaseHost,
  release: Release,
  planned: PlannedRelease,
  steps: readonly PlannedTag[],
  options: ApplyOptions,
) {
  const { sources } = planned;
  const pinned = await pinSources(host, release, { sources, tags: {} }, { ...options, update: false, frozen: true });
  const names = steps.map(({ reference }) => reference);
  await using opened = await openSigners(host, release);
  const known = new Map(steps.map(({ reference, from }) => [reference, from]));
  const index = describeIndex({ ...release, targets: names }, pinned, options);
  const signers = opened.signers.slice(0, release.sign.length);
  // The key of the provenance was opened last.
  const provenance = release.provenance &&
    { signer: opened.signers.at(-1)!, as: release.provenance.as, builder: host.findBuilder?.() };
  return await composeWith(host.runtime, { ...index, ...options.transfer, signers, provenance }, { known });
}

/** Opens the keys that sign the index and, after them, the key of its provenance. */
async function openSigners(host: ReleaseHost, { name, sign, provenance }: Release): Promise<OpenedSigners> {
  const keys = provenance ? [...sign, { key: provenance.key, passphrase: provenance.passphrase }] : sign;
  if (keys.length === 0) return { signers: [], [Symbol.asyncDispose]: () => Promise.resolve() };
  if (host.openSigners) return await host.openSigners(keys);
  throw new ManifestsError("SIGNING_UNAVAILABLE", `Cannot sign the release ${name}: its keys cannot be read here`);
}

/** Deletes the tags that are not in the file any more, and removes them from the lock. */
async function deleteTags(
  { runtime }: ReleaseHost,
  { name, tags }: PlannedRelease,
  lock: LockStore,
  options: ApplyOptions,
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
}
