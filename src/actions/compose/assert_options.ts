import type { ComposeOptions } from "./types.ts";

/** Options that are arrays. A text has a length, too, and a script may pass one. */
const ARRAYS = ["sources", "tags", "require", "platforms", "entryAnnotations"] as const;

/**
 * Asserts that options have the values that their types allow, which scripts without types get wrong. A `wait` that is
 * not a number would be waited for forever. Without sources, an empty index would replace a release.
 *
 * @throws {TypeError} If an option is not an array, or `sources` is empty.
 * @throws {RangeError} If `wait` or `order` has another value.
 */
export function assertOptions(options: ComposeOptions): void {
  const { wait = 0, order = "given" } = options;
  for (const name of ARRAYS) {
    const value: unknown = options[name];
    if (Array.isArray(value) || value === undefined && name !== "sources") continue;
    throw new TypeError(`Cannot compose an index: ${name} must be an array, but is ${quote(value)}`);
  }
  if (options.sources.length === 0 && !options.append) {
    throw new TypeError("Cannot compose an index without sources");
  }
  if (typeof wait !== "number" || !(wait >= 0)) {
    throw new RangeError(`Cannot compose an index: wait must be a number of milliseconds, but is ${quote(wait)}`);
  }
  if (order !== "given" && order !== "platform") {
    throw new RangeError(`Cannot compose an index: order must be "given" or "platform", but is ${quote(order)}`);
  }
}

function quote(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 100)) : String(value);
}
