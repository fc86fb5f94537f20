/** Compares texts as people expect: numbers in them by their value, so that `v9` comes before `v10`. */
export function compareNaturally(a: string, b: string): number {
  const [left, right] = [split(a), split(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [x, y] = [left[i], right[i]];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    const order = compareParts(x, y);
    if (order !== 0) return order;
  }
  return compareText(a, b);
}

/** Splits a text into runs of digits and of other characters. */
function split(text: string): string[] {
  return text.match(/\d+|\D+/g) ?? [];
}

function compareParts(a: string, b: string): number {
  if (!/^\d/.test(a) || !/^\d/.test(b)) return compareText(a, b);
  // Compared as texts: dates and build numbers can be larger than a number is exact.
  const [x, y] = [a, b].map((digits) => digits.replace(/^0+(?=\d)/, "")) as [string, string];
  return x.length - y.length || compareText(x, y);
}

/** Compares texts by their UTF-16 code units. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Compares tags as versions (semver.org): `1.0.0-rc.1` comes before `1.0.0`, and `1` and `1.0` stand for `1.0.0`. A tag
 * that is not a version comes before all versions.
 */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [parseVersion(a), parseVersion(b)];
  if (!x || !y) return x ? 1 : y ? -1 : compareNaturally(a, b);
  for (let i = 0; i < 3; i++) {
    const order = compareParts(x.numbers[i] ?? "0", y.numbers[i] ?? "0");
    if (order !== 0) return order;
  }
  if (!x.pre || !y.pre) return x.pre ? -1 : y.pre ? 1 : compareNaturally(a, b);
  return comparePreReleases(x.pre.split("."), y.pre.split(".")) || compareNaturally(a, b);
}

function parseVersion(tag: string): { numbers: string[]; pre: string } | undefined {
  const [, numbers, pre = ""] = /^v?(\d+(?:\.\d+){0,2})(?:-([0-9A-Za-z.-]+))?(?:_[0-9A-Za-z.-]+)?$/.exec(tag) ?? [];
  return numbers === undefined ? undefined : { numbers: numbers.split("."), pre };
}

/** Compares pre-releases: numbers by value and before texts; the one with fewer parts first. */
function comparePreReleases(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x, y] = [a[i]!, b[i]!];
    const [isNumber, isOther] = [/^\d+$/.test(x), /^\d+$/.test(y)];
    const order = isNumber === isOther ? compareParts(x, y) : isNumber ? -1 : 1;
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
