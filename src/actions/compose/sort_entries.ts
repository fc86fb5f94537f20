import { groupBy } from "../../internal/room.ts";
import { findAttested, isAttestation } from "../../spec/room.ts";
import type { ComposedEntry } from "./entries.ts";

/** Sorts entries by platform; each image is followed by its attestations. Entries without a platform come last. */
export function sortByPlatform(entries: readonly ComposedEntry[]): ComposedEntry[] {
  const images = entries.filter((entry) => findAttested(entry) === undefined);
  const digests = new Set<string>(images.map(({ digest }) => digest));
  const attestations = groupBy(
    entries.filter((entry) => findAttested(entry) !== undefined),
    (entry) => digests.has(findAttested(entry)!) ? findAttested(entry)! : "",
  );
  const sorted = images.toSorted(comparePlatforms).flatMap((image) => {
    const own = attestations.get(image.digest) ?? [];
    attestations.delete(image.digest);
    return [image, ...own];
  });
  return [...sorted, ...attestations.get("") ?? []];
}

function comparePlatforms(one: ComposedEntry, other: ComposedEntry): number {
  const [a, b] = [sortKey(one), sortKey(other)];
  const i = a.findIndex((member, i) => member !== b[i]);
  if (i < 0) return one.digest < other.digest ? -1 : one.digest > other.digest ? 1 : 0;
  return a[i]! < b[i]! ? -1 : 1;
}

/** Members by which entries are sorted. Numbers in versions are padded, so that build 9600 precedes 10240. */
function sortKey(entry: ComposedEntry): string[] {
  const { os, architecture, variant = "", osVersion = "", osFeatures = [] } = entry.platform;
  const hasPlatform = os !== "" && !isAttestation(entry);
  const padded = osVersion.replace(/\d+/g, (digits) => digits.padStart(12, "0"));
  return [hasPlatform ? "0" : "1", os, architecture, variant, padded, osFeatures.join("+")];
}
