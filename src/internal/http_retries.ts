/** Maximum wait that a server may request, in milliseconds. */
const MAX_RETRY_AFTER = 120_000;

/**
 * Returns whether a request that got this HTTP status is worth a retry: 408, 425, 429 and server errors. 501 and 505
 * report that the server does not support the request at all.
 */
export function isTransientStatus(status: number): boolean {
  return [408, 425, 429].includes(status) || (status >= 500 && status !== 501 && status !== 505);
}

/**
 * Returns the wait that a server requests (`Retry-After`, RFC 9110 §10.2.3), in milliseconds, at most two minutes.
 * Fractions of seconds, and a value that a proxy has repeated, are accepted. `undefined` if the header is missing,
 * invalid or in the past, so that the client's own delay applies.
 */
export function findRetryAfter(headers: Headers): number | undefined {
  const value = headers.get("retry-after")?.trim() ?? "";
  const seconds = /^(\d{1,15}(?:\.\d*)?)(?:\s*,.*)?$/.exec(value)?.[1];
  if (seconds !== undefined) return Math.min(Number(seconds) * 1000, MAX_RETRY_AFTER);
  const until = findHttpDate(value);
  if (until === undefined) return undefined;
  // The server's clock is used if it sends a `Date`, because the client's clock may be wrong.
  const wait = until - (findHttpDate(headers.get("date") ?? "") ?? Date.now());
  return wait > 0 ? Math.min(wait, MAX_RETRY_AFTER) : undefined;
}

/**
 * Finds the first date in a header, in milliseconds since 1970. All three forms of RFC 9110 §5.6.7 name the day of the
 * week and are in UTC. `Date.parse` alone is not enough: it accepts `1.5` as a day in 2001, and reads the form without a
 * zone as local time.
 */
function findHttpDate(value: string): number | undefined {
  const match = /^(?:[a-z]{3,9}, *\d[^,]*? GMT|[a-z]{3} [a-z]{3} [ \d]\d \d\d:\d\d:\d\d \d{4})/i.exec(value);
  if (!match) return undefined;
  const time = Date.parse(match[0].endsWith("GMT") ? match[0] : `${match[0]} GMT`);
  return Number.isNaN(time) ? undefined : time;
}
