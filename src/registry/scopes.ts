/** Token scopes, as in `repository:me/app:pull,push` (distribution, token scope documentation). */

/** Returns the scopes sorted and without duplicates; the scopes of one resource are joined. */
export function normalizeScopes(scopes: readonly string[]): string[] {
  const actions = new Map<string, Set<string>>();
  for (const scope of scopes) {
    const [resource, added] = splitScope(scope);
    const known = actions.get(resource) ?? new Set();
    for (const action of added) known.add(action);
    actions.set(resource, known);
  }
  return [...actions].map(([resource, known]) => `${resource}:${[...known].join(",")}`).sort();
}

/** Returns whether a token for the scopes `granted` also allows the scopes `needed`. */
export function coversScopes(granted: readonly string[], needed: readonly string[]): boolean {
  return needed.every((scope) => {
    const [resource, actions] = splitScope(scope);
    const allowed = granted.map(splitScope).find(([name]) => name === resource)?.[1] ?? [];
    return allowed.includes("*") || actions.every((action) => allowed.includes(action));
  });
}

/** Splits the scopes of a challenge, which are separated by spaces. */
export function parseScopes(text: string): string[] {
  return text.split(" ").filter((scope) => scope.includes(":"));
}

/** Splits a scope into its resource, whose name may contain colons, and its actions. */
function splitScope(scope: string): [resource: string, actions: string[]] {
  const at = scope.lastIndexOf(":");
  return [scope.slice(0, at), scope.slice(at + 1).split(",")];
}
