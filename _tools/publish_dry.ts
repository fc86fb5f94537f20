/**
 * Rehearses publishing. `deno publish` takes a linked package inside the package's folder for a part of it, so the
 * package is staged in a temporary folder with the stand-ins of `@std` beside it. Checks that the file list is what we
 * mean to ship and that every `@std` import becomes a `jsr:` one.
 */
import { dirname, join } from "@std/path";
import { ensureDir } from "@std/fs";

/** The published files outside of the published folders. */
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

/** The published folders. */
const SHIPPED_FOLDERS = ["src", "docs", "examples"];

/** A size as `deno publish` prints it. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  const units = ["KB", "MB"];
  const unit = bytes < 1024 * 1024 ? 0 : 1;
  const exact = bytes / 1024 ** (unit + 1) * 100;
  const rounded = Math.round(exact);
  // Rust rounds what is in the middle to the even neighbour.
  const hundredths = rounded - exact === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
  return `${hundredths / 100}${units[unit]}`;
}

/**
 * Source text with its bare imports as they are published. Examples in comments stay as they are; `self` is the package
 * itself with its version, which scripts import by name.
 */
export function rewriteImports(text: string, imports: Readonly<Record<string, string>>, self: string): string {
  const own = self.slice(0, self.lastIndexOf("@"));
  const isIn = (specifier: string, name: string) => specifier === name || specifier.startsWith(`${name}/`);
  const rewrite = (line: string) =>
    line.replace(/(from |import\()"([^".][^"]*)"/g, (whole, before: string, specifier: string) => {
      if (isIn(specifier, own)) return `${before}"jsr:${self}${specifier.slice(own.length)}"`;
      const name = Object.keys(imports).find((key) => isIn(specifier, key));
      if (!name) return whole;
      // A module below a package is a path of its URL.
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
    Deno.stdout.writeSync(new TextEncoder().encode(`publish: ${shipped.size} files, as meant\n`));
  } finally {
    await Deno.remove(target, { recursive: true });
  }
}

async function compare(target: string, files: readonly string[], shipped: Map<string, string>): Promise<string[]> {
  const { name, version, imports } = JSON.parse(await Deno.readTextFile(join(target, "package", "deno.json")));
  const problems = [...shipped.keys()].filter((file) => !files.includes(file)).map((file) => `not meant: ${file}`);
  for (const file of files) {
    const size = shipped.get(file);
    const text = await Deno.readTextFile(join(target, "package", file));
    const expected = file.endsWith(".ts") ? rewriteImports(text, imports, `${name}@^${version}`) : text;
    const bytes = new TextEncoder().encode(expected).length;
    if (size === undefined) problems.push(`missing: ${file}`);
    // The size tells whether imports were rewritten, as the file itself is not shown.
    else if (size !== formatSize(bytes)) {
      problems.push(`imports not as meant: ${file} has ${size}, not ${formatSize(bytes)}`);
    }
  }
  return problems;
}

if (import.meta.main) await main();
