import { basename, dirname, join, resolve } from "@std/path";

/**
 * Returns the absolute path without symbolic links, as scopes of a policy name it. Components that do not exist, or
 * that this process may not read, are resolved by their text alone.
 */
export function resolvePath(path: string): string {
  try {
    // Before `resolve`, because `..` after a link leads to another folder on the disk than in the text.
    return Deno.realPathSync(path);
  } catch {
    const absolute = resolve(path);
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(resolvePath(parent), basename(absolute));
  }
}

/** Returns a path and all folders above it except the root, most specific first. */
export function pathNamespaces(path: string): string[] {
  const namespaces: string[] = [];
  for (let at = path; at !== dirname(at); at = dirname(at)) namespaces.push(at);
  return namespaces;
}
