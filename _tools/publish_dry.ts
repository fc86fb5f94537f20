/**
 * Rehearses publishing. Checks that exactly the intended files are published, that every `@std` import becomes a `jsr:`
 * import, and what users get: types under default options, the pages that the documents link, and a consistent npm form.
 */
import { dirname, join } from "@std/path";
import { ensureDir } from "@std/fs";
import { checkoutScopes } from "./install.ts";
import { listImports, type PackageJson, packStage } from "./pack.ts";
import { listFiles } from "./list_files.ts";
import { runDeno } from "./run_deno.ts";
import { openStage, type Stage } from "./stage.ts";

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

/** Finds the relative links of Markdown documents that lead to no published file. */
export function findBrokenLinks(documents: ReadonlyMap<string, string>, files: readonly string[]): string[] {
  const problems: string[] = [];
  for (const [document, text] of documents) {
    for (const [, link] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)\s]*)?\)/g)) {
      if (/^[a-z]+:/.test(link!)) continue;
      const path = join(dirname(document), link!);
      if (!files.some((file) => file === path || file.startsWith(`${path}/`))) {
        problems.push(`${document} links ${link}, which is not published`);
      }
    }
  }
  return problems;
}

/** Compares what `deno publish` would publish with what is intended. */
async function checkFiles({ folder, files }: Stage): Promise<string[]> {
  const output = await runDeno(folder, ["publish", "--dry-run", "--allow-dirty"]);
  const shipped = new Map(
    [...output.matchAll(/file:\/\/\S*?\/package\/(\S+) \(([\d.]+\w+)\)/g)].map(([, file, size]) => [file!, size!]),
  );
  const { name, version, imports } = JSON.parse(await Deno.readTextFile(join(folder, "deno.json")));
  const problems = [...shipped.keys()].filter((file) => !files.includes(file)).map((file) => `not intended: ${file}`);
  for (const file of files) {
    const size = shipped.get(file);
    const text = await Deno.readTextFile(join(folder, file));
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

async function checkLinks({ folder, files }: Stage): Promise<string[]> {
  const documents = new Map<string, string>();
  for (const file of files.filter((file) => file.endsWith(".md"))) {
    documents.set(file, await Deno.readTextFile(join(folder, file)));
  }
  return findBrokenLinks(documents, files);
}

/** Checks the types of every export, and loads it, with the options that a user has who configures none. */
async function checkConsumer({ folder, temporary }: Stage): Promise<string[]> {
  const consumer = join(temporary, "consumer");
  await ensureDir(consumer);
  const { exports } = JSON.parse(await Deno.readTextFile(join(folder, "deno.json")));
  const modules = Object.values<string>(exports).map((file) => join(folder, file));
  const text = modules.map((file, i) => `export * as module${i} from ${JSON.stringify(file)};\n`).join("");
  await Deno.writeTextFile(join(consumer, "consumer.ts"), text);
  const config = { scopes: await checkoutScopes(folder), unstable: ["kv"] };
  await Deno.writeTextFile(join(consumer, "deno.json"), JSON.stringify(config));
  try {
    await runDeno(consumer, ["run", "--check", "--no-prompt", "consumer.ts"]);
    return [];
  } catch (error) {
    return [`the exports under default options: ${(error as Error).message}`];
  }
}

/** Checks the npm form: its files, and that every import of them leads somewhere. */
export async function checkNpmForm(npm: string): Promise<string[]> {
  const files = await listFiles(npm, "");
  const { exports, dependencies, engines, bin }: PackageJson = JSON.parse(
    await Deno.readTextFile(join(npm, "package.json")),
  );
  const problems = files.filter((file) => /^(tests|std|_tools)\//.test(file)).map((file) => `not intended: ${file}`);
  if (engines === undefined) problems.push("package.json has no engines");
  for (
    const target of [...Object.values(exports).flatMap((paths) => Object.values(paths)), ...Object.values(bin ?? {})]
  ) {
    if (!files.includes(join(target))) problems.push(`package.json names ${target}, which does not exist`);
  }
  for (const file of files.filter((file) => /^src\/|^mod\./.test(file))) {
    for (const specifier of listImports(await Deno.readTextFile(join(npm, file)))) {
      if (!isResolvable(file, specifier)) problems.push(`${file} imports ${specifier}, which does not exist`);
    }
  }
  return problems;

  function isResolvable(file: string, specifier: string): boolean {
    if (!specifier.startsWith(".")) {
      const parts = specifier.split("/");
      const name = parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
      return specifier.startsWith("node:") || dependencies[name] !== undefined;
    }
    const path = join(dirname(file), specifier);
    return files.includes(file.endsWith(".d.ts") ? path.replace(/(\.d)?\.[jt]s$/, ".d.ts") : path);
  }
}

async function main(): Promise<void> {
  await using stage = await openStage(dirname(import.meta.dirname!));
  const problems = [
    ...await checkFiles(stage),
    ...await checkLinks(stage),
    ...await checkConsumer(stage),
    ...(await checkNpmForm(await packStage(stage))).map((problem) => `npm form: ${problem}`),
  ];
  if (problems.length > 0) throw new Error(`Cannot publish:\n${problems.join("\n")}`);
  const text = `publish: ${stage.files.length} files, as intended; their links, types and npm form are consistent\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

if (import.meta.main) await main();
