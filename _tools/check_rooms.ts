import { basename, dirname, join } from "@std/path";

/** Finds the rooms without tests of their own: `tests/` mirrors `src/`. */
export async function findUntestedRooms(root: URL): Promise<string[]> {
  const missing: string[] = [];
  for await (const { name } of Deno.readDir(new URL("src/", root))) {
    const folder = new URL(`tests/${name}/`, root);
    const files = await Array.fromAsync(Deno.readDir(folder)).catch(() => []);
    if (!files.some((file) => file.name.endsWith("_test.ts"))) missing.push(name);
  }
  return missing;
}

/** Yields the TypeScript files below a folder of the project. */
async function* listFiles(root: string, folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(join(root, folder))) {
    const path = join(folder, name);
    if (isDirectory) yield* listFiles(root, path);
    else if (name.endsWith(".ts")) yield path;
  }
}

/** Parses a list of names, as in `a, type B, c as d`; the name before `as` is the one in the room. */
function parseNames(list: string): string[] {
  const items = list.replaceAll(/\/\/.*$/gm, "").split(",").map((item) => item.trim()).filter(Boolean);
  return items.map((item) => /^(?:type )?([\w$]+)/.exec(item)![1]!);
}

/** Yields the names that a file takes from other files, each with the path of that file. */
function* findTakenNames(path: string, text: string): Generator<{ from: string; names: string[] }> {
  const patterns = [
    /(?:import|export)(?: type)? \{([^}]*)\} from "(\.[^"]+)"/g,
    /(?:const|let) \{([^}]*)\} = await import\(\s*"(\.[^"]+)"/g,
    /\(\{([^{}]*)\}\) =>[^;]*?import\("(\.[^"]+)"/g,
  ];
  for (const pattern of patterns) {
    for (const [, list, specifier] of text.matchAll(pattern)) {
      yield { from: join(dirname(path), specifier!), names: parseNames(list!.replaceAll(":", " as ")) };
    }
  }
  for (const [, specifier, name] of text.matchAll(/import\(\s*"(\.[^"]+)"\s*\)\)?\.(\w+)/g)) {
    yield { from: join(dirname(path), specifier!), names: [name!] };
  }
}

/** Finds the names that a `room.ts` exports and nothing imports, each as `PATH: NAME`. Tests are users too. */
export async function findUnusedExports(root: string): Promise<string[]> {
  const exported = new Map<string, Set<string>>();
  const files = ["mod.ts", "demo.ts"];
  for (const folder of ["src", "web", "tests", "_tools", "bench", "examples"]) {
    files.push(...await Array.fromAsync(listFiles(root, folder)));
  }
  const texts = new Map<string, string>();
  for (const path of files) texts.set(path, await Deno.readTextFile(join(root, path)));
  for (const [path, text] of texts) {
    if (basename(path) !== "room.ts") continue;
    const names = Array.from(text.matchAll(/export(?: type)? \{([^}]*)\}/g), ([, list]) => {
      return parseNames(list!).map((name) => new RegExp(`\\b${name} as (\\w+)`).exec(list!)?.[1] ?? name);
    });
    exported.set(path, new Set(names.flat()));
  }
  for (const [path, text] of texts) {
    for (const { from, names } of findTakenNames(path, text)) {
      for (const name of names) exported.get(from)?.delete(name);
    }
    // A namespace takes all names.
    for (const [, specifier] of text.matchAll(/import \* as \w+ from "(\.[^"]+)"/g)) {
      exported.delete(join(dirname(path), specifier!));
    }
  }
  return [...exported].flatMap(([path, names]) => [...names].map((name) => `${path}: ${name}`)).toSorted();
}
