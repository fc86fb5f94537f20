import { isDigest, isManifestsError, parseReference } from "../../spec/room.ts";

type ScopeRule = (scope: string) => boolean;

/** A normalized absolute path, except `/`, which would be equivalent to the empty scope. */
const isCleanPath: ScopeRule = (scope) =>
  scope.startsWith("/") && scope.length > 1 &&
  scope.slice(1).split("/").every((part) => !["", ".", ".."].includes(part));

const ATOMIC_REGEXP = /^[^/]*(\/[^:/]*(\/[^:/]*(:[^:/]*)?)?)?$/;
const STORE_REGEXP = /^\[(?:[^@/\]]+@)?(\/[^\]]*)\](.*)$/s;
const IMAGE_ID_REGEXP = /^[0-9a-f]{64}$/;

/** `[driver@/root]` or `[/root]`, followed by an optional name, digest and id. */
const isStoreScope: ScopeRule = (scope) => {
  const match = STORE_REGEXP.exec(scope);
  if (!match) return false;
  const [name, ...more] = match[2]!.split("@");
  if (!more.every((part) => isDigest(part) || IMAGE_ID_REGEXP.test(part)) || more.length > 2) return false;
  return name === "" || isNamed(name!);
};

function isNamed(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch (error) {
    if (!isManifestsError(error)) throw error;
    return false;
  }
}

const never: ScopeRule = () => false;

/** Rules for the scopes of each transport. Scopes of other transports are not checked. */
const RULES: ReadonlyMap<string, ScopeRule> = new Map([
  ["atomic", (scope) => ATOMIC_REGEXP.test(scope)],
  ["containers-storage", isStoreScope],
  ["dir", isCleanPath],
  ["docker-archive", never],
  ["docker-daemon", (scope) => !isDigest(scope)],
  ["oci", isCleanPath],
  ["oci-archive", isCleanPath],
  ["sif", isCleanPath],
  ["tarball", never],
]);

/** Whether a transport's section of a policy may have this scope. The empty scope is always valid. */
export function isValidScope(transport: string, scope: string): boolean {
  return scope === "" || (RULES.get(transport)?.(scope) ?? true);
}
