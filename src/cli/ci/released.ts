import { hasChanges, type ReleasePlan } from "../../release/room.ts";
import { parseReference } from "../../spec/room.ts";
import { type ReadOptions, readPublished } from "./copied.ts";
import type { Publication } from "./publication.ts";

/** Returns the digest of the only release of a plan; `""` if it has several, or none. */
export function getOnlyDigest({ releases }: ReleasePlan): string {
  const indexes = releases.flatMap(({ index }) => index ?? []);
  return indexes.length === 1 ? indexes[0]! : "";
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
    references,
    tags: named.map(({ reference }) => reference),
    unchanged: !hasChanges(plan.summary),
    manifest: digest === "" ? undefined : await readPublished(references[0]!, options),
    json: plan,
  };
}
