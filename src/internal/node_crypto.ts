/**
 * `node:crypto`; `undefined` in browsers, which have none. Loaded here once and awaited, because hashes are needed where
 * nothing can be awaited.
 */
export const nodeCrypto: typeof import("node:crypto") | undefined = await import("node:crypto").catch(() => undefined);
