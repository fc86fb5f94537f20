/**
 * A member's name as it would be in a folder: without `.`, without empty components. `undefined` where it is absolute
 * or leads out, so that nothing in an archive can be called that.
 */
export function cleanMemberName(name: string): string | undefined {
  return name.startsWith("/") ? undefined : resolveComponents([], name);
}

/** Where a symbolic link in an archive leads, within the archive; `undefined` where it leads out. */
export function resolveMemberLink(name: string, target: string): string | undefined {
  return target.startsWith("/") ? undefined : resolveComponents(name.split("/").slice(0, -1), target);
}

function resolveComponents(base: string[], path: string): string | undefined {
  const components = [...base];
  for (const component of path.split("/")) {
    if (component === "..") {
      if (components.pop() === undefined) return undefined;
    } else if (component !== "" && component !== ".") components.push(component);
  }
  return components.join("/");
}
