/**
 * Normalises the name of a member: removes `.` and empty components, and resolves `..`. Returns `undefined` if the name
 * is absolute or leads out of the archive; such members are ignored.
 */
export function cleanMemberName(name: string): string | undefined {
  return name.startsWith("/") ? undefined : resolveComponents([], name);
}

/** Returns the member that a symbolic link in an archive names; `undefined` if it leads out of the archive. */
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
