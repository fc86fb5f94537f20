import type { NamedReference } from "../../spec/room.ts";

/**
 * Lists the namespaces by which policies and signature storage are found, most specific first, in the order of c/image:
 * the repository, its parents, the host, then wildcards of the host's domain.
 */
export function listNamespaces({ name, domain }: NamedReference): string[] {
  const namespaces: string[] = [];
  for (let at = name; at !== domain; at = at.slice(0, at.lastIndexOf("/"))) namespaces.push(at);
  namespaces.push(domain);
  const labels = domain.replace(/:\d+$/, "").split(".");
  for (let i = 1; i < labels.length; i++) namespaces.push(`*.${labels.slice(i).join(".")}`);
  return namespaces;
}
