/**
 * Offline stand-in for the parts of `@std/path` that this project uses. Like `@std/path`, it loads no `node:` module: that
 * takes 12 ms of each start. Only Windows, whose paths are more complicated, uses one.
 */
interface Paths {
  basename(path: string): string;
  dirname(path: string): string;
  isAbsolute(path: string): boolean;
  join(...parts: string[]): string;
  resolve(...parts: string[]): string;
}

const isWindows = Deno.build.os === "windows";

/** Loads a module of Node. */
function loadNode<T>(name: string): T {
  return (globalThis as unknown as { process: { getBuiltinModule(name: string): T } }).process.getBuiltinModule(name);
}

/** Returns a path without empty parts and `.`, and without `..` if possible. */
function normalize(path: string): string {
  const root = path.startsWith("/") ? "/" : "";
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (root === "") kept.push("..");
  }
  const normal = root + kept.join("/") || ".";
  return normal !== "/" && path.endsWith("/") ? `${normal}/` : normal;
}

/** Removes the slashes at the end of a path, except the root. */
function trim(path: string): string {
  return path.replace(/(?<=.)\/+$/s, "");
}

const posix: Paths = {
  basename: (path) => /([^/]*)\/*$/.exec(path)![1]!,
  dirname: (path) => trim(trim(path).replace(/[^/]*$/, "")) || ".",
  isAbsolute: (path) => path.startsWith("/"),
  join: (...parts) => normalize(parts.filter((part) => part !== "").join("/")),
  resolve: (...parts) => {
    const root = parts.findLastIndex((part) => part.startsWith("/"));
    return trim(normalize((root < 0 ? [Deno.cwd(), ...parts] : parts.slice(root)).join("/")));
  },
};

export const { basename, dirname, isAbsolute, join, resolve }: Paths = isWindows ? loadNode<Paths>("node:path") : posix;

/** The path that a `file:` URL names. */
export function fromFileUrl(url: string | URL): string {
  if (isWindows) return loadNode<{ fileURLToPath(url: string | URL): string }>("node:url").fileURLToPath(url);
  const { protocol, pathname } = new URL(url);
  if (protocol !== "file:") throw new TypeError(`URL must be a file URL: received "${protocol}"`);
  return decodeURIComponent(pathname.replace(/%(?![0-9A-Fa-f]{2})/g, "%25"));
}
