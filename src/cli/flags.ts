import { UsageError } from "./errors.ts";

/** Converts the name of an option to its flag: `osVersion` to `--os-version`. */
export function toFlag(option: string): string {
  return `--${option.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
}

/** Adds the value of a flag that can be given several times. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** Adds the values of a flag that can be given several times and contain several values, separated by commas. */
export function collectList(value: string, before: string[] = []): string[] {
  return [...before, ...splitCsv(value)];
}

/**
 * Splits the platforms of a flag at blanks and line breaks, too, as the settings of CI systems have them.
 *
 * @throws {UsageError} There is none: a variable that is not set must not mean all platforms.
 */
export function splitPlatforms(flag: string, values: readonly string[]): string[] {
  const platforms = values.flatMap((value) => value.split(/\s+/)).filter(Boolean);
  if (platforms.length === 0) throw new UsageError(`${flag} is empty: name a platform, such as linux/amd64`);
  return platforms;
}

/** Splits a line of CSV into its fields. An empty line has none. */
function splitCsv(line: string): string[] {
  if (line === "") return [];
  const fields = line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g);
  return Array.from(fields, ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "");
}

/**
 * Parses `key=value` pairs.
 *
 * @param complain Formats the message for a pair without `=`.
 * @throws {UsageError} A pair has no `=`.
 */
export function parseAnnotations(
  pairs: readonly string[] | undefined = [],
  complain: (pair: string) => string,
): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => {
    const at = pair.indexOf("=");
    if (at < 0) throw new UsageError(complain(pair));
    return [pair.slice(0, at), pair.slice(at + 1)];
  }));
}

/** Parses `key=value` pairs. A pair without `=` has an empty value, as in buildah for annotations of artifacts. */
export function parseLooseAnnotations(pairs: readonly string[] = []): Record<string, string> {
  return parseAnnotations(pairs.map((pair) => pair.includes("=") ? pair : `${pair}=`), String);
}

/**
 * Parses a whole number from 0 to 999,999,999.
 *
 * @param flag Flag that the message names, such as `--retry`.
 * @throws {UsageError} The text is not such a number.
 */
export function parseCount(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(
    `invalid argument ${JSON.stringify(text)} for "${flag}" flag: it must be a whole number, at least 0`,
  );
}

/** Units of durations in Go, in milliseconds. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Parses a duration in Go's format, such as `1m30s`, and returns it in milliseconds.
 *
 * @param flag Flag that the message names, such as `--retry-delay`.
 * @throws {UsageError} The text is not a duration.
 */
export function parseDuration(flag: string, text: string): number {
  if (text === "0") return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) {
    throw new UsageError(
      `invalid argument ${JSON.stringify(text)} for "${flag}" flag: it must be a duration, such as 2s`,
    );
  }
  return parts.reduce((sum, [, value, unit]) => sum + Number(value) * UNITS[unit!]!, 0);
}
