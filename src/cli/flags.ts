import { UsageError } from "./errors.ts";

/** The flag of an option: `osVersion` is `--os-version`. */
export function toFlag(option: string): string {
  return `--${option.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
}

/** Collects a flag that may be given several times. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** Collects a flag that may be given several times or hold several values with commas between them. */
export function collectList(value: string, before: string[] = []): string[] {
  return [...before, ...splitCsv(value)];
}

/** The fields of one line of CSV; none of an empty line. */
function splitCsv(line: string): string[] {
  if (line === "") return [];
  const fields = line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g);
  return Array.from(fields, ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "");
}

/**
 * `key=value` pairs as a map. Throws where one has no `=`.
 *
 * @param complain What is said of one that has none.
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

/** `key=value` pairs as a map; one without `=` has an empty value, as buildah takes those of artifacts. */
export function parseLooseAnnotations(pairs: readonly string[] = []): Record<string, string> {
  return parseAnnotations(pairs.map((pair) => pair.includes("=") ? pair : `${pair}=`), String);
}

/** A whole number from zero. Throws where the text is none. */
export function parseCount(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`invalid argument ${JSON.stringify(text)} for "${flag}" flag: it must be a number from 0`);
}

/** Milliseconds of one of Go's units. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A duration as Go writes it, such as `1m30s`, in milliseconds. Throws where the text is none. */
export function parseDuration(flag: string, text: string): number {
  if (text === "0") return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) {
    throw new UsageError(
      `invalid argument ${JSON.stringify(text)} for "${flag}" flag: it must be a duration, as in 2s`,
    );
  }
  return parts.reduce((sum, [, value, unit]) => sum + Number(value) * UNITS[unit!]!, 0);
}
