import type { RegistriesConf, RegistryEntry } from "./types.ts";

/**
 * Returns the length of the part of a reference that a prefix matches; `undefined` if it does not match. A prefix
 * matches whole components only, but may be followed by a port, tag or digest: `example.com` also matches
 * `example.com:5000`, as in podman and buildah. `*.example.com` matches only the host.
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
 * Finds the entry with the longest prefix that matches a repository; `undefined` if no prefix matches. As in podman and
 * buildah, the name has no tag or digest, so a prefix with a tag never matches.
 *
 * @param name Repository with its host, such as `quay.io/me/app`.
 */
export function findRegistry(conf: RegistriesConf, name: string): RegistryEntry | undefined {
  let best: RegistryEntry | undefined;
  for (const entry of conf.registries) {
    const matches = matchPrefix(name, entry.prefix) !== undefined;
    if (matches && entry.prefix.length > (best?.prefix.length ?? 0)) best = entry;
  }
  return best;
}
