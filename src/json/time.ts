import type { StructReader } from "./parse.ts";

/** What Go writes for a time that was never set. */
export const ZERO_TIME = "0001-01-01T00:00:00Z";

const RFC3339_REGEXP =
  /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)([.,]\d+)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * A time as Go writes it again after it has read it (`time.RFC3339Nano`): cut to nanoseconds, no trailing zeros, in the
 * zone that it was in. `undefined` where there is none.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_JSON` where it is no time in the form of RFC 3339.
 */
export function readTime(from: StructReader, name: string): string | undefined {
  const text = from.string(name);
  if (text === undefined) return undefined;
  const match = RFC3339_REGEXP.exec(text);
  if (!match || !isDate(match[1]!)) from.fail(name, "a time in the form of RFC 3339");
  const [, date, hours, minutes, seconds, fraction = "", zone] = match;
  const nanoseconds = fraction.slice(0, 10).replace(",", ".").replace(/\.?0*$/, "");
  return `${date}T${hours}:${minutes}:${seconds}${nanoseconds}${/^[+-]00:00$/.test(zone!) ? "Z" : zone}`;
}

/** Whether a day is in the calendar, which `Date` alone does not say: it takes February 30 for March 2. */
function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
