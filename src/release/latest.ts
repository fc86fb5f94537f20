/** A version by semver.org, with an optional `v`. */
interface Version {
  readonly numbers: readonly number[];
  /** Parts after a dash; empty for a release. */
  readonly preRelease: readonly string[];
}

const VERSION_REGEXP = /^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?$/;

function findVersion(tag: string): Version | undefined {
  const [, major, minor, patch, preRelease] = VERSION_REGEXP.exec(tag) ?? [];
  if (major === undefined) return undefined;
  return { numbers: [major, minor, patch].map(Number), preRelease: preRelease?.split(".") ?? [] };
}

/** Returns whether a tag is a full version, such as `1.2.3` or `v1.2.3-rc.1`. */
export function isVersion(tag: string): boolean {
  return findVersion(tag) !== undefined;
}

/**
 * Finds the reason for which the tag `latest` must not move; `undefined` if it may move.
 *
 * @param own Tags of the release in a repository.
 * @param existing All tags of the repository.
 */
export function findNewer(own: readonly string[], existing: readonly string[]): string | undefined {
  const highest = findHighest(own);
  if (highest === undefined) return undefined;
  if (findVersion(highest)!.preRelease.length > 0) return `${highest} is a pre-release`;
  const newest = findHighest(existing.filter((tag) => findVersion(tag)?.preRelease.length === 0));
  if (newest === undefined || compareVersions(newest, highest) <= 0) return undefined;
  return `${newest} is newer than ${highest}`;
}

function findHighest(tags: readonly string[]): string | undefined {
  return tags.filter(isVersion).toSorted(compareVersions).at(-1);
}

/** Compares versions in their order of precedence (semver.org, 11). */
function compareVersions(one: string, other: string): number {
  const [a, b] = [findVersion(one)!, findVersion(other)!];
  for (const [i, number] of a.numbers.entries()) {
    if (number !== b.numbers[i]) return number - b.numbers[i]!;
  }
  return comparePreReleases(a.preRelease, b.preRelease);
}

function comparePreReleases(a: readonly string[], b: readonly string[]): number {
  // A release follows its pre-releases.
  if (a.length === 0 || b.length === 0) return Number(a.length === 0) - Number(b.length === 0);
  for (const [i, part] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    if (part === other) continue;
    const [isNumber, isOtherNumber] = [/^\d+$/.test(part), /^\d+$/.test(other)];
    if (isNumber && isOtherNumber) return Number(part) - Number(other);
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
    return part < other ? -1 : 1;
  }
  return a.length - b.length;
}
