import type { RegistriesConf, RegistryEntry } from "./types.ts";

/**
 * How much of a reference a prefix covers, in characters; `undefined` where it does not match. A prefix ends where the
 * reference, a component, a tag, a digest or a port does: `example.com` covers `example.com:5000` too, as in the real
 * tools. `*.example.com` covers the host alone.
 */
export function matchPrefix(reference: string, prefix: string): number | undefined {
  if (prefix.startsWith("*.")) {
    const host = reference.split(/[/:@]/, 1)[0]!;
    const domain = prefix.slice(1);
    return host.length > domain.length && host.endsWith(domain) ? host.length : undefined;
  }
  const ends = reference.length === prefix.length || "/:@".includes(reference.charAt(prefix.length));
  return reference.startsWith(prefix) && ends ? prefix.length : undefined;
}

/**
 * The entry for a repository: the one with the longest prefix; `undefined` where there is none. The real tools leave
 * tag and digest out too, so that a prefix with a tag matches nothing.
 *
 * @param name As in `quay.io/me/app`.
 */
export function findRegistry(conf: RegistriesConf, name: string): RegistryEntry | undefined {
  let best: RegistryEntry | undefined;
  for (const entry of conf.registries) {
    const matches = matchPrefix(name, entry.prefix) !== undefined;
    if (matches && entry.prefix.length > (best?.prefix.length ?? 0)) best = entry;
  }
  return best;
}
