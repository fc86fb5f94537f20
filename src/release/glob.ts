/** Returns whether a tag matches a pattern, in which `*` stands for any characters and `?` for one. */
export function matchesGlob(tag: string, glob: string): boolean {
  const parts = glob.split(/(\*+|\?)/).map((part) => {
    if (part === "?") return ".";
    return part.startsWith("*") ? ".*" : part.replace(/[^\w]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`).test(tag);
}
