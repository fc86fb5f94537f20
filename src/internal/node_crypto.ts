type NodeCrypto = typeof import("node:crypto");

/** Part of `process` that is used here. Deno, Node since 20.16 and Bun have it. */
interface Process {
  readonly getBuiltinModule?: (name: string) => unknown;
}

let found: { readonly module: NodeCrypto | undefined } | undefined;

/** Whether {@linkcode findNodeCrypto} was called before, so that another call takes no time. */
export function isNodeCryptoLoaded(): boolean {
  return found !== undefined;
}

/**
 * Returns `node:crypto`; `undefined` in browsers, in older versions of Node, and if a bundler replaced it with an empty
 * module. It is loaded when it is first needed, which takes Deno 30 ms.
 *
 * It is not loaded with `await import`, because hashes are needed synchronously, and a top-level `await` makes each module
 * that depends on it asynchronous: modules of a bundle that import each other lazily then wait for each other forever.
 */
export function findNodeCrypto(): NodeCrypto | undefined {
  if (!found) {
    const { process } = globalThis as { process?: Process };
    const module = process?.getBuiltinModule?.("node:crypto") as NodeCrypto | undefined;
    found = { module: typeof module?.createHash === "function" ? module : undefined };
  }
  return found.module;
}
