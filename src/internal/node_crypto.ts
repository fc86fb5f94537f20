/**
 * `node:crypto`; `undefined` in browsers, which have none, or what a bundler puts in its place. Loaded here once and
 * awaited, because hashes are needed where nothing can be awaited.
 */
export const nodeCrypto: typeof import("node:crypto") | undefined = await import("node:crypto").then(
  (found) => typeof found.createHash === "function" ? found : undefined,
  () => undefined,
);
