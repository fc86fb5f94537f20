/** What a token is asked for, as in `repository:me/app:pull,push` (distribution, token scope documentation). */

/** Scopes in one order, each once; those of one resource joined. */
export function normalizeScopes(scopes: readonly string[]): string[] {
  const actions = new Map<string, Set<string>>();
  for (const scope of scopes) {
    const [resource, wanted] = splitScope(scope);
    const known = actions.get(resource) ?? new Set();
    for (const action of wanted) known.add(action);
    actions.set(resource, known);
  }
  return [...actions].map(([resource, wanted]) => `${resource}:${[...wanted].join(",")}`).sort();
}

/** Whether a token for `granted` does for `wanted`. */
export function coversScopes(granted: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((scope) => {
    const [resource, actions] = splitScope(scope);
    const own = granted.map(splitScope).find(([name]) => name === resource)?.[1] ?? [];
    return own.includes("*") || actions.every((action) => own.includes(action));
  });
}

/** The scopes of a challenge, which are one text. */
export function parseScopes(text: string): string[] {
  return text.split(" ").filter((scope) => scope.includes(":"));
}

/** A resource, whose name may hold colons, and actions. */
function splitScope(scope: string): [resource: string, actions: string[]] {
  const at = scope.lastIndexOf(":");
  return [scope.slice(0, at), scope.slice(at + 1).split(",")];
}
