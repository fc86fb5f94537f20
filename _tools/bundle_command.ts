/**
 * Bundles the command line into JavaScript files that start faster than its sources: `deno task bundle [FOLDER]`. Each
 * command loads only its own files, if `deno` is run with `--unstable-lazy-dynamic-imports`; without this flag, it reads
 * all files at the start.
 */
import { dirname, join, resolve } from "@std/path";
import { ensureDir } from "@std/fs";
import { flattenRooms } from "./flatten_rooms.ts";
import { listFiles } from "./list_files.ts";
import { runDeno } from "./run_deno.ts";

/** Entry of the bundled command line, relative to the folder of the bundle. */
export const COMMAND_ENTRY = "cli/main.js";

/** Flags of `deno run` and `deno install` for the command line. */
export const COMMAND_FLAGS = ["--allow-all", "--unstable-lazy-dynamic-imports"];

/** Workers: the file of each, relative to `src/` and without its ending, and the module that starts it. */
const WORKERS = [
  { file: "copy/recoding/worker", starter: "recoding_worker.ts" },
  { file: "store/containers_storage/writing/layer_worker", starter: "layer_workers.ts" },
];

/**
 * Packages of npm that nearly every command needs, each with the module that is used. Their code becomes part of the
 * bundle, and needs their licenses; all other packages are imported.
 */
const INLINED = { "@noble/hashes": "@noble/hashes/sha2.js", "smol-toml": "smol-toml" };

const STD_NOTICE = "@std: Copyright the Deno authors. MIT license: https://opensource.org/license/mit";

/**
 * Bundles the command line of a checkout.
 *
 * @param folder Folder of the bundle. It is replaced.
 */
export async function bundleCommand(root: string, folder: string): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await ensureDir(folder);
  const { imports }: { imports: Record<string, string> } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  const packages = Object.entries(imports).filter(([name, target]) => target.startsWith("npm:") && !(name in INLINED));
  const staged = await Deno.realPath(await Deno.makeTempDir({ prefix: "bundle-" }));
  try {
    await stageSources(root, staged);
    await runDeno(staged, [
      ...["bundle", "--quiet", "--no-check", "--platform", "deno", "--minify", "--code-splitting"],
      ...packages.flatMap(([name]) => ["--external", name, "--external", `${name}/*`]),
      ...["--outdir", folder, "src/cli/main.ts", ...WORKERS.map(({ file }) => `src/${file}.ts`)],
    ]);
  } finally {
    await Deno.remove(staged, { recursive: true });
  }
  let workers = 0;
  for (const file of await listFiles(folder, "")) {
    const text = await Deno.readTextFile(join(folder, file));
    let linked = text;
    for (const worker of WORKERS) {
      const before = linked;
      linked = linkWorker(linked, file, worker);
      if (linked !== before) workers++;
    }
    await Deno.writeTextFile(join(folder, file), nameVersions(linked, packages));
  }
  if (workers !== WORKERS.length) {
    throw new Error("Cannot bundle the command line: the code that starts a worker was not found");
  }
  await Deno.writeTextFile(join(folder, "NOTICES.txt"), await collectNotices());
  await declareEntry(join(folder, COMMAND_ENTRY));
}

/** Copies the sources to another folder, with imports that a bundler can split. */
async function stageSources(root: string, folder: string): Promise<void> {
  const texts = new Map<string, string>();
  const read = (path: string) => {
    if (!texts.has(path)) texts.set(path, Deno.readTextFileSync(join(root, path)));
    return texts.get(path)!;
  };
  const configuration = ["deno.json", "deno.lock", ...await listFiles(root, "tests/offline_std")];
  for (const file of [...configuration, ...await listFiles(root, "src")]) {
    await ensureDir(dirname(join(folder, file)));
    const isSource = file.startsWith("src/") && file.endsWith(".ts");
    await Deno.writeTextFile(join(folder, file), isSource ? flattenRooms(file, read) : read(file));
  }
}

/** Names the file of a worker in the code that starts it, which else assumes that a bundle has no worker. */
function linkWorker(text: string, file: string, worker: (typeof WORKERS)[number]): string {
  const path = `${"../".repeat(file.split("/").length - 1) || "./"}${worker.file}.js`;
  const name = worker.file.split("/").at(-1);
  const code = new RegExp(
    String.raw`new URL\("\./${name}\.ts",import\.meta\.url\)(.*?)import\.meta\.url\.endsWith\("/${worker.starter}"\)`,
    "s",
  );
  return text.replace(code, `new URL("${path}",import.meta.url)$1true`);
}

/** Names the versions of imported packages, so that the bundle needs no configuration. */
function nameVersions(text: string, packages: readonly (readonly [name: string, target: string])[]): string {
  return text.replace(/\bimport\("([^".][^"]*)"\)/g, (whole, specifier: string) => {
    const found = packages.find(([name]) => specifier === name || specifier.startsWith(`${name}/`));
    return found ? `import("${found[1]}${specifier.slice(found[0].length)}")` : whole;
  });
}

/** Declares that the entry exports nothing: JSR requires declarations for JavaScript. */
async function declareEntry(entry: string): Promise<void> {
  await Deno.writeTextFile(entry.replace(/js$/, "d.ts"), "export {};\n");
  await Deno.writeTextFile(entry, `// @ts-self-types="./main.d.ts"\n${await Deno.readTextFile(entry)}`);
}

/** Collects the licenses of the inlined packages. */
async function collectNotices(): Promise<string> {
  const licenses = await Promise.all(
    Object.entries(INLINED).map(async ([name, module]) => `${name}:\n\n${await readLicense(module)}`),
  );
  return `This bundle contains code of these packages.\n\n${[...licenses, STD_NOTICE].join("\n\n")}\n`;
}

/** Reads the license of the package to which a module belongs. */
async function readLicense(module: string): Promise<string> {
  for (let folder = new URL(".", import.meta.resolve(module));; folder = new URL("..", folder)) {
    try {
      return (await Deno.readTextFile(new URL("LICENSE", folder))).trim();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) || folder.pathname === "/") throw error;
    }
  }
}

if (import.meta.main) {
  const root = dirname(import.meta.dirname!);
  const folder = resolve(Deno.args[0] ?? join(root, "bundle"));
  await bundleCommand(root, folder);
  Deno.stdout.writeSync(new TextEncoder().encode(`${folder}\n`));
}
