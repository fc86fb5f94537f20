import { hasChanges, type ReleasePlan } from "../../release/room.ts";
import { parseReference } from "../../spec/room.ts";
import { type ReadOptions, readPublished } from "./copied.ts";
import type { Publication } from "./publication.ts";

/** Returns the digest of the only release of a plan; `undefined` if it has several, or none. */
export function getOnlyDigest({ releases }: ReleasePlan): string | undefined {
  const indexes = releases.flatMap(({ index }) => index ?? []);
  return indexes.length === 1 ? indexes[0] : undefined;
}

/** Describes the releases that were published. The table of the summary is that of the only release. */
export async function describeReleases(plan: ReleasePlan, options: ReadOptions): Promise<Publication> {
  const digest = getOnlyDigest(plan);
  const named = plan.releases.flatMap(({ index, tags }) =>
    tags.filter(({ action }) => ["add", "move", "keep"].includes(action)).map(({ reference }) => ({ reference, index }))
  );
  const references = [...new Set(named.map(({ reference, index }) => `${parseReference(reference).name}@${index}`))];
  return {
    digest,
    digests: Object.fromEntries(plan.releases.flatMap(({ name, index }) => index ? [[name, index]] : [])),
    references,
    tags: named.map(({ reference }) => reference),
    unchanged: !hasChanges(plan.summary),
    manifest: digest === undefined ? undefined : await readPublished(references[0]!, options),
    json: plan,
  };
}
