/** Circles of files in `src/`: files that import each other, directly or around a corner. */
import { dirname, join } from "@std/path";

/** Which files each file imports, types included; paths are relative to the root. */
type Imports = ReadonlyMap<string, readonly string[]>;

async function listSources(root: string, folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(root, folder))) {
    const path = `${folder}/${name}`;
    if (isDirectory) files.push(...await listSources(root, path));
    else if (name.endsWith(".ts")) files.push(path);
  }
  return files;
}

async function readImports(root: string): Promise<Imports> {
  const imports = new Map<string, readonly string[]>();
  for (const file of await listSources(root, "src")) {
    const text = await Deno.readTextFile(join(root, file));
    // Only static imports: what is loaded on demand cannot keep a module from starting.
    const specifiers = text.matchAll(/^(?:import|export)\b[^"';]*?\bfrom "(\.[^"]+)";$/gm);
    imports.set(file, Array.from(specifiers, ([, specifier]) => join(dirname(file), specifier!)));
  }
  return imports;
}

/** The groups of files that can reach each other (Tarjan's strongly connected components of two files or more). */
function findGroups(imports: Imports): string[][] {
  const groups: string[][] = [];
  const stack: string[] = [];
  const indexes = new Map<string, number>();
  const lowest = new Map<string, number>();
  const visit = (file: string): number => {
    indexes.set(file, indexes.size);
    lowest.set(file, indexes.get(file)!);
    stack.push(file);
    for (const next of imports.get(file) ?? []) {
      if (!imports.has(next)) continue;
      if (!indexes.has(next)) lowest.set(file, Math.min(lowest.get(file)!, visit(next)));
      else if (stack.includes(next)) lowest.set(file, Math.min(lowest.get(file)!, indexes.get(next)!));
    }
    if (lowest.get(file) === indexes.get(file)) {
      const group = stack.splice(stack.indexOf(file));
      if (group.length > 1) groups.push(group.sort());
    }
    return lowest.get(file)!;
  };
  for (const file of imports.keys()) if (!indexes.has(file)) visit(file);
  return groups;
}

/**
 * A transport's reference opens its source and its destination, and both name the reference that they belong to: the
 * only circles that are allowed.
 */
function isTransportPair(group: readonly string[]): boolean {
  return group.every((file) => /^src\/transport\/\w+\/(reference|source|destination)\.ts$/.test(file)) &&
    new Set(group.map((file) => dirname(file))).size === 1;
}

/** The circles of files below `src/` that are not allowed, each as its sorted files. */
export async function findCircles(root: string): Promise<string[][]> {
  return findGroups(await readImports(root)).filter((group) => !isTransportPair(group));
}
