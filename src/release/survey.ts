import { type ComposeIndexOptions, composeWith, openRepositoryWith, readManifestWith } from "../actions/room.ts";
import { allOrAbort, groupBy } from "../internal/room.ts";
import {
  type Digest,
  isManifestsError,
  MEDIA_TYPES,
  type ParsedManifest,
  parseManifest,
  parseReference,
} from "../spec/room.ts";
import type { ReleaseCallOptions, ReleaseHost } from "./host.ts";
import { findNewer } from "./latest.ts";
import type { LockedRelease } from "./lock.ts";
import { type PinnedSources, type PinOptions, pinSources } from "./pin_sources.ts";
import type { PlanOptions, ReleaseSurvey, TagState } from "./plan.ts";
import type { Release } from "./types.ts";

/** Options for {@linkcode surveyRelease}. */
export interface SurveyOptions extends PlanOptions, PinOptions {}

/** Reads everything that the plan of a release depends on. Writes nothing. */
export async function surveyRelease(
  host: ReleaseHost,
  release: Release,
  locked: LockedRelease,
  options: SurveyOptions,
): Promise<ReleaseSurvey> {
  const pinned = await pinSources(host, release, locked, options);
  const composed = await composeWith(host.runtime, { ...describeIndex(release, pinned, options), dryRun: true });
  const { digest, mediaType, manifest } = composed;
  const heads = new Map(composed.published.map(({ reference, previous }) => [reference, previous]));
  const [tags, leftovers, holds] = await Promise.all([
    readStates(host, heads, digest, options),
    options.prune ? readLeftovers(host, release.targets, locked, options) : new Map<string, TagState>(),
    release.latest === "semver" ? findHolds(host, release, options) : new Map<string, string>(),
  ]);
  const states = new Map([...tags, ...leftovers]);
  return {
    index: { digest, manifest: parseManifest(manifest, mediaType) },
    sources: pinned.digests,
    missing: pinned.missing,
    tags: states,
    holds,
  };
}

/** Reads the tags of a release that is not in the file any more. */
export async function surveyRemoved(
  host: ReleaseHost,
  locked: LockedRelease,
  options: SurveyOptions,
): Promise<ReleaseSurvey> {
  const tags = options.prune ? await readLeftovers(host, [], locked, options) : new Map<string, TagState>();
  return { index: undefined, sources: {}, missing: [], tags, holds: new Map() };
}

/** Returns the options that make the index of a release. */
export function describeIndex(
  release: Release,
  { sources }: Pick<PinnedSources, "sources">,
  { systemContext, signal }: ReleaseCallOptions,
): ComposeIndexOptions {
  const { targets, annotations, format, order, require, platforms, referrers } = release;
  const [target, ...tags] = targets;
  return {
    target: target!,
    tags,
    sources,
    order,
    require,
    ...(platforms?.length ? { platforms } : {}),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    ...(format ? { manifestType: format === "oci" ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.dockerList } : {}),
    ...(referrers ? { referrers } : {}),
    systemContext,
    signal,
  };
}

/** Reads the indexes that tags name now, for the differences by platform. */
async function readStates(
  { runtime }: ReleaseHost,
  heads: ReadonlyMap<string, Digest | null | undefined>,
  digest: Digest,
  { systemContext, signal }: ReleaseCallOptions,
): Promise<Map<string, TagState>> {
  const read = new Map<string, Promise<ParsedManifest | undefined>>();
  const readIndex = async (image: string) => {
    try {
      return (await readManifestWith(runtime, image, { systemContext, signal })).manifest;
    } catch (error) {
      // The differences are only shown: an index that cannot be read is replaced all the same.
      if (isManifestsError(error) && !signal?.aborted) return undefined;
      throw error;
    }
  };
  const states = await Promise.all(
    Array.from(heads, async ([reference, head]): Promise<[string, TagState]> => {
      if (!head || head === digest) return [reference, { digest: head }];
      const image = `docker://${parseReference(reference).trimmed().withDigest(head)}`;
      if (!read.has(image)) read.set(image, readIndex(image));
      return [reference, { digest: head, manifest: await read.get(image) }];
    }),
  );
  return new Map(states);
}

/** Reads the tags that the lock has, but the file does not. */
async function readLeftovers(
  { runtime }: ReleaseHost,
  targets: readonly string[],
  { tags }: LockedRelease,
  { systemContext, signal }: ReleaseCallOptions,
): Promise<Map<string, TagState>> {
  const leftovers = Object.keys(tags).filter((reference) => !targets.includes(reference));
  const states = await allOrAbort(
    leftovers.map((reference) => async (signal): Promise<[string, TagState]> => {
      try {
        const { digest } = await readManifestWith(runtime, `docker://${reference}`, { systemContext, signal });
        return [reference, { digest }];
      } catch (error) {
        if (!isManifestsError(error, "NOT_FOUND")) throw error;
        return [reference, { digest: null }];
      }
    }),
    signal,
  );
  return new Map(states);
}

/** Finds the repositories in which the tag `latest` must not move, with the reason. */
async function findHolds(
  { runtime }: ReleaseHost,
  { targets }: Release,
  options: ReleaseCallOptions,
): Promise<Map<string, string>> {
  const repositories = groupBy(targets.map(parseReference), ({ name }) => name);
  const holds = await Promise.all(
    Array.from(repositories, async ([name, references]): Promise<[string, string | undefined]> => {
      using repository = await openRepositoryWith(runtime, `docker://${name}`, options);
      const existing: string[] = [];
      for await (const tag of repository.listTags()) existing.push(tag);
      return [name, findNewer(references.map(({ tag }) => tag!), existing)];
    }),
  );
  return new Map(holds.filter((hold): hold is [string, string] => hold[1] !== undefined));
}
