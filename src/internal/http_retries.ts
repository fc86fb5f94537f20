/** Longest wait that a server may ask for, in milliseconds. */
const MAX_RETRY_AFTER = 120_000;

/**
 * Whether an answer with this HTTP status may be followed by a better one to the same request: too early, too late, too
 * many, or the server's own trouble. 501 and 505 report what a server does not support at all.
 */
export function isTransientStatus(status: number): boolean {
  return [408, 425, 429].includes(status) || (status >= 500 && status !== 501 && status !== 505);
}

/**
 * How long a server asks its clients to wait (`Retry-After`, RFC 9110 §10.2.3), in milliseconds, at most two minutes.
 * Also reads fractions of seconds, and a value that a proxy has repeated. `undefined` if the header is missing, is
 * neither a number nor a date, or names the past: the client's own delay applies then.
 */
export function findRetryAfter(headers: Headers): number | undefined {
  const value = headers.get("retry-after")?.trim() ?? "";
  const seconds = /^(\d{1,15}(?:\.\d*)?)(?:\s*,.*)?$/.exec(value)?.[1];
  if (seconds !== undefined) return Math.min(Number(seconds) * 1000, MAX_RETRY_AFTER);
  const until = findHttpDate(value);
  if (until === undefined) return undefined;
  // By the server's own clock, if it shows one: the client's may be wrong.
  const wait = until - (findHttpDate(headers.get("date") ?? "") ?? Date.now());
  return wait > 0 ? Math.min(wait, MAX_RETRY_AFTER) : undefined;
}

/**
 * The first date of a header, in milliseconds since 1970. All three forms of RFC 9110 §5.6.7 name the day of the week
 * and are in UTC; `Date.parse` alone takes `1.5` for a day in 2001, and the form without a zone for local time.
 */
function findHttpDate(value: string): number | undefined {
  const match = /^(?:[a-z]{3,9}, *\d[^,]*? GMT|[a-z]{3} [a-z]{3} [ \d]\d \d\d:\d\d:\d\d \d{4})/i.exec(value);
  if (!match) return undefined;
  const time = Date.parse(match[0].endsWith("GMT") ? match[0] : `${match[0]} GMT`);
  return Number.isNaN(time) ? undefined : time;
}
