import {
  type ComposeIndexOptions,
  type ComposeResult,
  composeWith,
  type PublishedName,
  PublishError,
} from "../actions/room.ts";
import type { Digest } from "../spec/room.ts";
import type { LockStore, ReleaseCallOptions, ReleaseHost } from "./host.ts";
import { findLocked, type LockedRelease, withLocked } from "./lock.ts";
import type { ReleaseKeys } from "./open_keys.ts";
import { pinSources } from "./pin_sources.ts";
import type { PlannedRelease, PlannedTag } from "./plan_types.ts";
import { describeIndex } from "./survey.ts";
import type { Release } from "./types.ts";

/** Options of transfers that a release file does not have. */
export type TransferChoices = Pick<
  ComposeIndexOptions,
  | "maxParallelTransfers"
  | "maxRetries"
  | "onPlatformMismatch"
  | "onProgress"
  | "reportWriter"
  | "retryDelay"
  | "signaturePolicy"
>;

/** Options for {@linkcode publishRelease}. */
export interface PublishOptions extends ReleaseCallOptions {
  /**
   * Progress and limits of the transfers, and the policy that their images must satisfy. Default: progress is not
   * reported, the limits of `composeIndex` apply, and every image is accepted.
   */
  readonly transfer?: TransferChoices | undefined;
  /** Called for each tag that was written or deleted. */
  readonly onTag?: ((tag: PlannedTag) => unknown) | undefined;
}

/** A release with its plan and its keys. */
export interface PreparedRelease {
  /** The release to publish, as its file describes it. */
  readonly release: Release;
  /** Plan of the release, with the steps for its tags. */
  readonly planned: PlannedRelease;
  /** Keys that sign the release and its provenance. */
  readonly keys: ReleaseKeys;
}

/** Returns the tags of a planned release that are written. */
export function listSteps({ tags }: PlannedRelease): readonly PlannedTag[] {
  return tags.filter(({ action }) => action === "add" || action === "move");
}

/** Publishes a release and records in the lock what became of its tags, also after a failure. */
export async function publishRelease(
  host: ReleaseHost,
  prepared: PreparedRelease,
  lock: LockStore,
  options: PublishOptions,
): Promise<void> {
  const { name, sources, index, tags } = prepared.planned;
  const record = (change: (locked: LockedRelease) => LockedRelease) =>
    lock.update((newest) => withLocked(newest, name, change(findLocked(newest, name))));
  const steps = listSteps(prepared.planned);
  const kept = Object.fromEntries(
    tags.filter(({ action }) => action === "keep").map(({ reference, from }) => [reference, from!]),
  );
  // Recorded first, so that a run that is killed does not leave tags that look like those of somebody else.
  await record((locked) => ({ ...locked, sources, index: index!, tags: { ...locked.tags, ...kept } }));
  if (steps.length === 0) return;
  let published: readonly PublishedName[] = [];
  try {
    published = (await compose(host, prepared, steps, options)).published;
  } catch (error) {
    if (error instanceof PublishError) published = error.published;
    throw error;
  } finally {
    const written = new Map<string, Digest>();
    for (const { reference, digest, state } of published) {
      if (digest && (state === "written" || state === "unchanged")) written.set(reference, digest);
    }
    await record((locked) => recordWritten(locked, index!, written));
    for (const step of steps) if (written.has(step.reference)) await options.onTag?.(step);
  }
}

/** Records tags that were written, and, for those that got a converted index, which index that was made of. */
function recordWritten(locked: LockedRelease, index: Digest, written: ReadonlyMap<string, Digest>): LockedRelease {
  const tags = { ...locked.tags, ...Object.fromEntries(written) };
  const made = [...written.values()].filter((digest) => digest !== index).map((digest) => [digest, index] as const);
  const all = { ...locked.converted, ...Object.fromEntries(made) };
  const converted = Object.fromEntries(
    Object.entries(all).filter(([digest]) => Object.values(tags).includes(digest as Digest)),
  );
  const { converted: _, ...rest } = locked;
  return { ...rest, tags, ...(Object.keys(converted).length > 0 ? { converted } : {}) };
}

/** Pushes the index to all repositories, then moves the tags, each under the condition that it is as it was planned. */
async function compose(
  host: ReleaseHost,
  { release, planned, keys }: PreparedRelease,
  steps: readonly PlannedTag[],
  options: PublishOptions,
): Promise<ComposeResult> {
  const { sources } = planned;
  const { signal } = options;
  const pinned = await pinSources(host, release, { sources, tags: {} }, {
    systemContext: options.systemContext,
    signal,
    frozen: true,
  });
  const names = steps.map(({ reference }) => reference);
  const index = describeIndex({ ...release, targets: names }, pinned, options);
  // The file says that sigstore signatures belong in the registry, whatever registries.d says.
  const isAttached = release.sign.some(({ key }) => key !== undefined);
  const systemContext = { ...(isAttached ? { dockerUseSigstoreAttachments: true } : {}), ...options.systemContext };
  const known = new Map(steps.map(({ reference, from }) => [reference, from]));
  return await composeWith(host.runtime, { ...index, ...options.transfer, ...keys, systemContext }, { known });
}
