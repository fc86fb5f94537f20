/** Offline stand-in for the parts of `@std/path` that this project uses. */
import { fileURLToPath } from "node:url";
export { basename, dirname, extname, isAbsolute, join, resolve } from "node:path";

/** The path that a `file:` URL names. */
export function fromFileUrl(url: string | URL): string {
  return fileURLToPath(url);
}
