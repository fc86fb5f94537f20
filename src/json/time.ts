import type { StructReader } from "./parse.ts";

/** Text that Go writes for a time that is not set. */
export const ZERO_TIME = "0001-01-01T00:00:00Z";

const RFC3339_REGEXP =
  /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)([.,]\d+)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * Reads a time and returns it as Go writes it (`time.RFC3339Nano`): truncated to nanoseconds, without trailing zeros, in
 * the same zone. Returns `undefined` if the member is absent.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_JSON` if it is not a time in the format of RFC 3339.
 */
export function readTime(from: StructReader, name: string): string | undefined {
  const text = from.string(name);
  if (text === undefined) return undefined;
  const match = RFC3339_REGEXP.exec(text);
  if (!match || !isDate(match[1]!)) from.fail(name, "a time in the format of RFC 3339");
  const [, date, hours, minutes, seconds, fraction = "", zone] = match;
  const nanoseconds = fraction.slice(0, 10).replace(",", ".").replace(/\.?0*$/, "");
  return `${date}T${hours}:${minutes}:${seconds}${nanoseconds}${/^[+-]00:00$/.test(zone!) ? "Z" : zone}`;
}

/** Returns whether a date exists. `Date` alone does not reject it: it turns February 30 into March 2. */
function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
