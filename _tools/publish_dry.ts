/**
 * Rehearses publishing. `deno publish` would publish linked packages inside the folder of the package as part of it. So
 * the package is staged in a temporary folder, with the stand-ins of `@std` next to it. Checks that exactly the intended
 * files are published, and that every `@std` import becomes a `jsr:` import.
 */
import { dirname, join } from "@std/path";
import { ensureDir } from "@std/fs";

/** Published files outside of the published folders. */
const SHIPPED_FILES = [
  "mod.ts",
  "deno.json",
  "README.md",
  "LICENSE",
  "ARCHITECTURE.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
];

/** Folders that are published as a whole. */
const SHIPPED_FOLDERS = ["src", "docs", "examples"];

/** Formats a size in bytes as `deno publish` does. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  const units = ["KB", "MB"];
  const unit = bytes < 1024 * 1024 ? 0 : 1;
  const exact = bytes / 1024 ** (unit + 1) * 100;
  const rounded = Math.round(exact);
  // Rust rounds ties to the even neighbor.
  const hundredths = rounded - exact === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
  return `${hundredths / 100}${units[unit]}`;
}

/**
 * Rewrites the bare imports of a source text as `deno publish` does. Examples in comments are not changed.
 *
 * @param self Name of this package with its version, which examples import by name.
 */
export function rewriteImports(text: string, imports: Readonly<Record<string, string>>, self: string): string {
  const selfName = self.slice(0, self.lastIndexOf("@"));
  const isIn = (specifier: string, name: string) => specifier === name || specifier.startsWith(`${name}/`);
  const rewrite = (line: string) =>
    line.replace(/(from |import\()"([^".][^"]*)"/g, (whole, before: string, specifier: string) => {
      if (isIn(specifier, selfName)) return `${before}"jsr:${self}${specifier.slice(selfName.length)}"`;
      const name = Object.keys(imports).find((key) => isIn(specifier, key));
      if (!name) return whole;
      // A module of a package is a path below its URL.
      const target = specifier === name ? imports[name]! : imports[name]!.replace(":", ":/");
      return `${before}"${target}${specifier.slice(name.length)}"`;
    });
  return text.split("\n").map((line) => /^\s*\*/.test(line) ? line : rewrite(line)).join("\n");
}

async function listFiles(root: string, folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(root, folder))) {
    const path = `${folder}/${name}`;
    files.push(...(isDirectory ? await listFiles(root, path) : [path]));
  }
  return files;
}

async function stage(root: string, target: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    await ensureDir(dirname(join(target, "package", file)));
    await Deno.copyFile(join(root, file), join(target, "package", file));
  }
  for (const file of await listFiles(root, "tests/offline_std")) {
    const to = join(target, "std", file.slice("tests/offline_std/".length));
    await ensureDir(dirname(to));
    await Deno.copyFile(join(root, file), to);
  }
  const config = join(target, "package", "deno.json");
  const text = await Deno.readTextFile(config);
  await Deno.writeTextFile(config, text.replaceAll("./tests/offline_std/", "../std/"));
}

async function main(): Promise<void> {
  const root = dirname(import.meta.dirname!);
  const target = await Deno.makeTempDir({ prefix: "publish-" });
  try {
    const folders = await Promise.all(SHIPPED_FOLDERS.map((folder) => listFiles(root, folder)));
    const files = [...SHIPPED_FILES, ...folders.flat()].sort();
    await stage(root, target, files);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["publish", "--dry-run", "--allow-dirty"],
      cwd: join(target, "package"),
      env: { NO_COLOR: "1" },
    }).output();
    const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    if (code !== 0) throw new Error(output);
    const shipped = new Map(
      [...output.matchAll(/file:\/\/\S*?\/package\/(\S+) \(([\d.]+\w+)\)/g)].map(([, file, size]) => [file!, size!]),
    );
    const problems = await compare(target, files, shipped);
    if (problems.length > 0) throw new Error(`${output}\n${problems.join("\n")}`);
    Deno.stdout.writeSync(new TextEncoder().encode(`publish: ${shipped.size} files, as intended\n`));
  } finally {
    await Deno.remove(target, { recursive: true });
  }
}

async function compare(target: string, files: readonly string[], shipped: Map<string, string>): Promise<string[]> {
  const { name, version, imports } = JSON.parse(await Deno.readTextFile(join(target, "package", "deno.json")));
  const problems = [...shipped.keys()].filter((file) => !files.includes(file)).map((file) => `not intended: ${file}`);
  for (const file of files) {
    const size = shipped.get(file);
    const text = await Deno.readTextFile(join(target, "package", file));
    const expected = file.endsWith(".ts") ? rewriteImports(text, imports, `${name}@^${version}`) : text;
    const bytes = new TextEncoder().encode(expected).length;
    if (size === undefined) problems.push(`missing: ${file}`);
    // The dry run shows only sizes. They differ if the imports were not rewritten as expected.
    else if (size !== formatSize(bytes)) {
      problems.push(`imports not as expected: ${file} has ${size}, not ${formatSize(bytes)}`);
    }
  }
  return problems;
}

if (import.meta.main) await main();
