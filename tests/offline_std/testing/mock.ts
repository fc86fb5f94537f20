/** Offline stand-in for the parts of `@std/testing/mock` that this project uses. */

/** A function that records its calls. */
export interface Spy<Args extends unknown[], Return> {
  (...args: Args): Return;
  /** The calls, in order. */
  calls: { args: Args }[];
}

/** Wraps a function so that its calls are recorded. */
export function spy<Args extends unknown[], Return>(original: (...args: Args) => Return): Spy<Args, Return> {
  const calls: { args: Args }[] = [];
  return Object.assign((...args: Args) => {
    calls.push({ args });
    return original(...args);
  }, { calls });
}
