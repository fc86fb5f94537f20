/**
 * Stages the package in a temporary folder, with the stand-ins of `@std` next to it: `deno publish` and `deno pack`
 * would treat linked packages inside the folder of the package as part of it.
 */
import { dirname, join } from "@std/path";
import { ensureDir } from "@std/fs";

/** Published files outside of the published folders. */
const SHIPPED_FILES = [
  "mod.ts",
  "action.yml",
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

/** Staged package. Disposing of it removes the temporary folder. */
export interface Stage extends AsyncDisposable {
  /** The package's folder, an absolute path. */
  readonly folder: string;
  /** The files that are to be published, as paths relative to the folder, sorted. */
  readonly files: readonly string[];
  /** Temporary folder around the package's folder. */
  readonly temporary: string;
}

/** Lists the files of a folder, as paths relative to `root` with slashes. */
export async function listFiles(root: string, folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(root, folder))) {
    const path = folder === "" ? name : `${folder}/${name}`;
    files.push(...(isDirectory ? await listFiles(root, path) : [path]));
  }
  return files;
}

/** Stages the package of a checkout. */
export async function openStage(root: string): Promise<Stage> {
  const temporary = await Deno.realPath(await Deno.makeTempDir({ prefix: "publish-" }));
  const folder = join(temporary, "package");
  const folders = await Promise.all(SHIPPED_FOLDERS.map((name) => listFiles(root, name)));
  const files = [...SHIPPED_FILES, ...folders.flat()].sort();
  for (const file of files) await copy(join(root, file), join(folder, file));
  for (const file of await listFiles(root, "tests/offline_std")) {
    await copy(join(root, file), join(temporary, "std", file.slice("tests/offline_std/".length)));
  }
  const config = join(folder, "deno.json");
  const text = await Deno.readTextFile(config);
  await Deno.writeTextFile(config, text.replaceAll("./tests/offline_std/", "../std/"));
  return { folder, files, temporary, [Symbol.asyncDispose]: () => Deno.remove(temporary, { recursive: true }) };
}

async function copy(from: string, to: string): Promise<void> {
  await ensureDir(dirname(to));
  await Deno.copyFile(from, to);
}

/** Runs `deno` and returns its output. Throws that output if the command fails. */
export async function runDeno(cwd: string, args: string[]): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), { args, cwd, env: { NO_COLOR: "1" } });
  const { code, stdout, stderr } = await command.output();
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (code !== 0) throw new Error(output);
  return output;
}
