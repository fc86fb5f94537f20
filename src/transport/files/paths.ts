import { basename, dirname, join, resolve } from "@std/path";

/**
 * A path that is absolute and without symbolic links, as policy knows it. What is not there, or may not be looked at, is
 * resolved by its text alone.
 */
export function resolvePath(path: string): string {
  try {
    // Not after `resolve`: the `..` behind a link leads elsewhere on the disk than in the text.
    return Deno.realPathSync(path);
  } catch {
    const absolute = resolve(path);
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(resolvePath(parent), basename(absolute));
  }
}

/** A path and all folders above it, but the root, most specific first. */
export function pathNamespaces(path: string): string[] {
  const namespaces: string[] = [];
  for (let at = path; at !== dirname(at); at = dirname(at)) namespaces.push(at);
  return namespaces;
}
