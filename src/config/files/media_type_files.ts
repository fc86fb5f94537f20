import { type ConfigurationChoices, implicitPath } from "./choices.ts";
import { readDefault } from "./host.ts";

const GLOBS = ["/usr/local/share/mime/globs2", "/usr/share/mime/globs2"];

/** Locations of `mime.types`; the last one is that of FreeBSD. */
const TYPES = [
  "/etc/mime.types",
  "/etc/apache2/mime.types",
  "/etc/apache/mime.types",
  "/etc/httpd/conf/mime.types",
  ...(Deno.build.os === "freebsd" ? ["/usr/local/etc/mime.types"] : []),
];

/**
 * Loads the files that map file extensions to media types, as Go's package `mime` does: the first freedesktop `globs2`,
 * or else all `mime.types`. Files without read permission are treated as missing. Never prompts.
 *
 * @throws {ManifestsError} With code `CONFIG_FILE_UNREADABLE`.
 */
export async function loadMediaTypeFiles(
  choices: ConfigurationChoices = {},
): Promise<{ globs?: string; types: string[] }> {
  for (const path of GLOBS) {
    const globs = await readDefault(implicitPath(path, choices));
    if (globs) return { globs: new TextDecoder().decode(globs), types: [] };
  }
  const types: string[] = [];
  for (const path of TYPES) {
    const bytes = await readDefault(implicitPath(path, choices));
    if (bytes) types.push(new TextDecoder().decode(bytes));
  }
  return { types };
}
