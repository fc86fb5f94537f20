type NodeCrypto = typeof import("node:crypto");

/** Part of `process` that is used here. Deno, Node since 20.16 and Bun have it. */
interface Process {
  readonly getBuiltinModule?: (name: string) => unknown;
}

/**
 * `node:crypto`; `undefined` in browsers, in older versions of Node, and if a bundler replaced it with an empty module.
 *
 * It is not loaded with `await import`, although hashes are needed synchronously: a top-level `await` makes each module
 * that depends on it asynchronous, and modules of a bundle that import each other lazily then wait for each other forever.
 */
export const nodeCrypto: NodeCrypto | undefined = findNodeCrypto();

function findNodeCrypto(): NodeCrypto | undefined {
  const { process } = globalThis as { process?: Process };
  const found = process?.getBuiltinModule?.("node:crypto") as NodeCrypto | undefined;
  return typeof found?.createHash === "function" ? found : undefined;
}
