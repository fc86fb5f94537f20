import { isDigest, isManifestsError, parseReference } from "../../spec/room.ts";

type ScopeRule = (scope: string) => boolean;

/** An absolute path, as short as it can be written; not `/`, which would mean the same as the empty scope. */
const isCleanPath: ScopeRule = (scope) =>
  scope.startsWith("/") && scope.length > 1 &&
  scope.slice(1).split("/").every((part) => !["", ".", ".."].includes(part));

const ATOMIC_REGEXP = /^[^/]*(\/[^:/]*(\/[^:/]*(:[^:/]*)?)?)?$/;
const STORE_REGEXP = /^\[(?:[^@/\]]+@)?(\/[^\]]*)\](.*)$/s;
const IMAGE_ID_REGEXP = /^[0-9a-f]{64}$/;

/** `[driver@/root]` or `[/root]`, then perhaps a name, a digest, an id. */
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

/** What scopes of a transport must look like; transports that are not here may have any. */
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

/** Whether a transport's section of a policy may have this scope. The empty one is always right. */
export function isValidScope(transport: string, scope: string): boolean {
  return scope === "" || (RULES.get(transport)?.(scope) ?? true);
}
