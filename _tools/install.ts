/**
 * Bundles and installs the command from this checkout, and lets the scripts of other folders import its modules by path:
 * `deno task install [FOLDER]...`. Deno resolves bare imports by the configuration of the program that is run. So the
 * configuration of such a folder needs the imports of this checkout, restricted to its files by a scope.
 */
import { join, resolve } from "@std/path";
import { pathToFileURL } from "node:url";
import { bundleCommand, COMMAND_ENTRY, COMMAND_FLAGS } from "./bundle_command.ts";

/** The parts of a deno.json that are read here. */
interface Config {
  imports: Record<string, string>;
  links: string[];
}

/** Imports that apply only to modules below a URL, as in an import map. */
export type Scopes = Record<string, Record<string, string>>;

/**
 * Returns the scopes with which Deno resolves the bare imports of a checkout.
 *
 * @param root Folder of the checkout.
 */
export async function checkoutScopes(root: string): Promise<Scopes> {
  const { imports, links }: Config = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  const resolved: Record<string, string> = {};
  for (const [name, target] of Object.entries(imports).filter(([, target]) => target.startsWith("npm:"))) {
    resolved[name] = target;
    // Within a scope, Deno does not derive the modules of a package from its name.
    resolved[`${name}/`] = `${target.replace("npm:", "npm:/")}/`;
  }
  for (const link of links) {
    const folder = join(root, link);
    const { name, exports } = JSON.parse(await Deno.readTextFile(join(folder, "deno.json")));
    const modules: Record<string, string> = typeof exports === "string" ? { ".": exports } : exports;
    for (const [path, file] of Object.entries(modules)) {
      resolved[join(name, path)] = pathToFileURL(join(folder, file)).href;
    }
  }
  return { [`${pathToFileURL(resolve(root)).href}/`]: resolved };
}

/** Whether a shell finds Deno. The folders that npm adds to PATH for what it runs are not in that of a shell. */
async function hasDeno(path: string): Promise<boolean> {
  const [separator, program] = Deno.build.os === "windows" ? [";", "deno.exe"] : [":", "deno"];
  const folders = path.split(separator).filter((folder) => !/[/\\]node_modules[/\\]\.bin[/\\]?$/.test(folder));
  const found = await Promise.all(folders.map((folder) => Deno.stat(join(folder, program)).catch(() => undefined)));
  return found.some((info) => info?.isFile);
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** Installs the command `manifests` from its bundle, as `deno install` installs it from JSR. */
async function installCommand(root: string): Promise<void> {
  const bundle = join(root, "bundle");
  await bundleCommand(root, bundle);
  const args = ["install", "--global", "--force", ...COMMAND_FLAGS, "--name", "manifests", join(bundle, COMMAND_ENTRY)];
  const { code } = await new Deno.Command(Deno.execPath(), { args }).spawn().status;
  if (code !== 0) Deno.exit(code);
  if (await hasDeno(Deno.env.get("PATH") ?? "")) return;
  say(`The command runs deno, which is not in PATH: npm install --global deno@${Deno.version.deno}`);
}

function parseConfig(file: string, text: string): { scopes?: Scopes; importMap?: string } {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot add scopes to ${file}: it is not plain JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Adds the scopes to the deno.json of a folder, which is created if it does not exist. */
async function addScopes(folder: string, scopes: Scopes): Promise<void> {
  const file = join(folder, "deno.json");
  const text = await Deno.readTextFile(file).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "{}";
    throw error;
  });
  const config = parseConfig(file, text);
  // Deno ignores scopes next to an import map.
  if (config.importMap !== undefined) throw new Error(`Cannot add scopes to ${file}: it has an importMap`);
  const merged = { ...config, scopes: { ...config.scopes, ...scopes } };
  await Deno.writeTextFile(file, `${JSON.stringify(merged, undefined, 2)}\n`);
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname!, "..");
  const scopes = await checkoutScopes(root);
  await installCommand(root);
  // Deno runs tasks in the folder of their configuration; INIT_CWD is the folder of the user.
  const here = Deno.env.get("INIT_CWD") ?? Deno.cwd();
  for (const folder of Deno.args) {
    await addScopes(resolve(here, folder), scopes);
    say(`Scripts in ${folder} can import ${join(root, "mod.ts")} and the modules next to it.`);
  }
}
