import { type ConfigurationChoices, implicitPath } from "./choices.ts";
import { readDefault } from "./host.ts";

const GLOBS = ["/usr/local/share/mime/globs2", "/usr/share/mime/globs2"];

/** Where `mime.types` is; the last is where FreeBSD has it. */
const TYPES = [
  "/etc/mime.types",
  "/etc/apache2/mime.types",
  "/etc/apache/mime.types",
  "/etc/httpd/conf/mime.types",
  ...(Deno.build.os === "freebsd" ? ["/usr/local/etc/mime.types"] : []),
];

/**
 * Reads the files that say which media type belongs to which extension, those that Go's `mime` reads: the first
 * `globs2` of freedesktop, else all `mime.types`. Files that may not be read are as if missing; nobody is prompted.
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
