/**
 * Writes the npm form of the package, as a tarball: `deno task pack`. `deno pack` compiles it. This task adds the
 * runtimes, the command, and the packages of `@std` if they were replaced by stand-ins.
 */
import { dirname, join } from "@std/path";
import { ensureDir } from "@std/fs";
import { COMMAND_ENTRY, COMMAND_FLAGS } from "./bundle_command.ts";
import { listFiles } from "./list_files.ts";
import { runDeno } from "./run_deno.ts";
import { openStage, type Stage } from "./stage.ts";

/** Runtimes that understand the compiled modules: they contain `using`, which Node understands since version 24. */
const ENGINES = { deno: ">=2.9", node: ">=24", bun: ">=1.4" };

/** The bundled command line. It needs Deno, whichever tool installs it. */
const COMMAND = `bundle/${COMMAND_ENTRY}`;
const COMMAND_LINE = `#!/usr/bin/env -S deno run ${COMMAND_FLAGS.join(" ")}\n`;

/** The parts of a package.json that are read or written here. */
export interface PackageJson {
  name: string;
  version: string;
  exports: Record<string, Record<string, string>>;
  dependencies: Record<string, string>;
  engines?: Record<string, string>;
  bin?: Record<string, string>;
}

/**
 * Compiles a staged package and unpacks the result.
 *
 * @returns Folder of the npm form, within the temporary folder of the stage.
 */
export async function packStage({ folder, temporary }: Stage): Promise<string> {
  await runDeno(folder, ["pack", "--allow-dirty", "--no-source-maps", "-o", "package.tgz"]);
  const target = join(temporary, "npm");
  await ensureDir(target);
  await tar("-xzf", join(folder, "package.tgz"), "-C", target);
  const npm = join(target, "package");
  await complete(npm, JSON.parse(await Deno.readTextFile(join(folder, "deno.json"))).imports);
  return npm;
}

async function complete(npm: string, imports: Record<string, string>): Promise<void> {
  const file = join(npm, "package.json");
  const json: PackageJson = JSON.parse(await Deno.readTextFile(file));
  const dependencies = { ...json.dependencies };
  for (const name of await findStandIns(npm)) {
    // "jsr:@std/path@^1.0.0" is "@jsr/std__path" in the npm form of JSR.
    dependencies[name] = imports[name]!.replace(/^jsr:@(\w+)\/(\w+)/, "npm:@jsr/$1__$2");
  }
  const completed: PackageJson = { ...json, dependencies, engines: ENGINES, bin: { manifests: `./${COMMAND}` } };
  await Deno.writeTextFile(file, `${JSON.stringify(completed, undefined, 2)}\n`);
  const command = join(npm, COMMAND);
  await Deno.writeTextFile(command, COMMAND_LINE + await Deno.readTextFile(command));
  await Deno.chmod(command, 0o755);
  // Sources that `deno pack` did not compile because nothing imports them.
  for (const path of await listFiles(npm, "src")) {
    if (path.endsWith(".ts") && !path.endsWith(".d.ts")) await Deno.remove(join(npm, path));
  }
}

/** Finds the packages of `@std` that the compiled modules import by their bare names. */
async function findStandIns(npm: string): Promise<string[]> {
  const names = new Set<string>();
  for (const path of (await listFiles(npm, "src")).filter((path) => path.endsWith(".js"))) {
    for (const specifier of listImports(await Deno.readTextFile(join(npm, path)))) {
      if (specifier.startsWith("@std/")) names.add(specifier.split("/").slice(0, 2).join("/"));
    }
  }
  return [...names].sort();
}

/** Lists what a module or declaration file imports. Examples in comments do not count. */
export function listImports(text: string): string[] {
  const code = text.replace(/\/\*[^]*?\*\//g, "");
  return [...code.matchAll(/(?:\bfrom |\bimport\(|\bimport )"([^"\n]+)"/g)].map(([, specifier]) => specifier!);
}

async function tar(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("tar", { args }).output();
  if (!success) throw new Error(`Cannot run tar: ${new TextDecoder().decode(stderr)}`);
}

if (import.meta.main) {
  const root = dirname(import.meta.dirname!);
  await using stage = await openStage(root);
  const npm = await packStage(stage);
  const { name, version }: PackageJson = JSON.parse(await Deno.readTextFile(join(npm, "package.json")));
  const file = `${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
  await tar("-czf", join(root, file), "-C", dirname(npm), "package");
  Deno.stdout.writeSync(new TextEncoder().encode(`${file}\n`));
}
