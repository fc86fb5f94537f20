import type { Timeouts } from "./http_types.ts";

/**
 * Asserts that time limits and numbers of retries are numbers. With `NaN`, a request would be repeated forever.
 *
 * @throws {RangeError} If one is not a number of at least 0.
 */
export function assertTimeouts(timeouts: Timeouts): void {
  for (const [name, value] of Object.entries(timeouts)) {
    if (value === undefined || typeof value === "number" && value >= 0) continue;
    throw new RangeError(`Cannot use ${name} ${value}: it must be a number of at least 0`);
  }
}
