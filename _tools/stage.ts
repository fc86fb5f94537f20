/**
 * Stages the package in a temporary folder, with the stand-ins of `@std` next to it: `deno publish` and `deno pack`
 * would treat linked packages inside the folder of the package as part of it.
 */
import { dirname, join } from "@std/path";
import { ensureDir } from "@std/fs";
import { bundleCommand, COMMAND_ENTRY } from "./bundle_command.ts";
import { listFiles } from "./list_files.ts";

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

/** Stages the package of a checkout, with the bundled command line. */
export async function openStage(root: string): Promise<Stage> {
  const temporary = await Deno.realPath(await Deno.makeTempDir({ prefix: "publish-" }));
  const folder = join(temporary, "package");
  const folders = await Promise.all(SHIPPED_FOLDERS.map((name) => listFiles(root, name)));
  const sources = [...SHIPPED_FILES, ...folders.flat()];
  for (const file of sources) await copy(join(root, file), join(folder, file));
  await bundleCommand(root, join(folder, "bundle"));
  const files = [...sources, ...await listFiles(folder, "bundle")].sort();
  for (const file of await listFiles(root, "tests/offline_std")) {
    await copy(join(root, file), join(temporary, "std", file.slice("tests/offline_std/".length)));
  }
  const config = join(folder, "deno.json");
  const text = await Deno.readTextFile(config);
  const published = JSON.parse(text.replaceAll("./tests/offline_std/", "../std/"));
  published.exports["./cli"] = `./bundle/${COMMAND_ENTRY}`;
  await Deno.writeTextFile(config, JSON.stringify(published, undefined, 2));
  return { folder, files, temporary, [Symbol.asyncDispose]: () => Deno.remove(temporary, { recursive: true }) };
}

async function copy(from: string, to: string): Promise<void> {
  await ensureDir(dirname(to));
  await Deno.copyFile(from, to);
}
