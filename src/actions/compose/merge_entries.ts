import {
  findAttested,
  formatPlatform,
  isAttestation,
  isEmptyPlatform,
  isIndexMediaType,
  ManifestsError,
  normalizePlatform,
} from "../../spec/room.ts";
import type { ComposedEntry } from "./entries.ts";

/**
 * Merges the entries of all sources. The same image is one entry with the annotations of all its sources.
 *
 * @throws {ManifestsError} With code `DUPLICATE_PLATFORM` if two sources have different images for one platform.
 */
export function mergeSources(sources: readonly (readonly ComposedEntry[])[]): ComposedEntry[] {
  let merged: ComposedEntry[] = [];
  for (const entries of sources) merged = mergeEntries(merged, entries, { replace: false });
  return merged;
}

/** Options for {@linkcode mergeEntries}. */
export interface MergeOptions {
  /** Added images replace existing ones for their platform, whose attestations go with them. */
  readonly replace: boolean;
}

/** Adds entries to existing ones; see {@linkcode mergeSources}. */
export function mergeEntries(
  existing: readonly ComposedEntry[],
  added: readonly ComposedEntry[],
  { replace }: MergeOptions,
): ComposedEntry[] {
  const result: ComposedEntry[] = [...existing];
  const replaced = new Set<ComposedEntry>();
  for (const entry of added) {
    const same = result.findIndex((other) => isSameEntry(other, entry));
    if (same >= 0) {
      const annotations = { ...result[same]!.annotations, ...entry.annotations };
      result[same] = { ...result[same]!, annotations };
      continue;
    }
    const rivals = existing.filter((other) => platformKey(other) !== "" && platformKey(other) === platformKey(entry));
    if (rivals.length > 0 && !replace) throw duplicatePlatform(rivals[0]!, entry);
    rivals.forEach((rival) => replaced.add(rival));
    result.splice(findPlace(result, rivals[0]), 0, entry);
  }
  const gone = new Set<string | undefined>(Array.from(replaced, ({ digest }) => digest));
  return result.filter((entry) => !replaced.has(entry) && !(isAttestation(entry) && gone.has(findAttested(entry))));
}

/** The position for a new entry: before the entry that it replaces, otherwise the end. */
function findPlace(entries: readonly ComposedEntry[], rival: ComposedEntry | undefined): number {
  const place = rival ? entries.indexOf(rival) : -1;
  return place < 0 ? entries.length : place;
}

/** Whether two entries are the same image for the same platform. */
function isSameEntry(one: ComposedEntry, other: ComposedEntry): boolean {
  return one.digest === other.digest && platformKey(one) === platformKey(other);
}

/** Returns the platform that must be unique in an index; `""` for entries that are not images for a platform. */
function platformKey(entry: ComposedEntry): string {
  const { platform, artifactType, mediaType } = entry;
  const isImage = !artifactType && !isAttestation(entry) && !isIndexMediaType(mediaType);
  return isImage && !isEmptyPlatform(platform) ? formatPlatform(normalizePlatform(platform)) : "";
}

function duplicatePlatform(one: ComposedEntry, other: ComposedEntry): ManifestsError {
  return new ManifestsError(
    "DUPLICATE_PLATFORM",
    `Cannot compose an index with two images for ${
      formatPlatform(other.platform)
    }: ${one.origin} (${one.digest}) and ` +
      `${other.origin} (${other.digest}): leave one of them out, or record another platform for it. ` +
      "To replace an image of an existing index, use replace (--append --replace)",
  );
}
