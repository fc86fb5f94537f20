/**
 * Replaces imports of rooms by imports of the files that declare the names. A bundler keeps everything that a file imports,
 * because it cannot know whether that has effects: without this, each command would load all files of all rooms.
 */
import { dirname, join } from "@std/path";

/** A name of an import or export statement: `foo`, `type foo` or `foo as bar`. */
interface Name {
  readonly name: string;
  readonly alias: string;
  readonly isType: boolean;
}

const STATEMENT_REGEXP = /^(import|export) (type )?\{([^}]*)\} from "(\.[^"]+\.ts)";$/gm;

/** Reads the text of a file by its path. */
export type ReadText = (path: string) => string;

/**
 * Rewrites the imports and re-exports of a file. Types are dropped: only a bundler reads the result.
 *
 * @param path Path of the file; relative imports start at its folder.
 * @param read Reads the files that are imported.
 */
export function flattenRooms(path: string, read: ReadText): string {
  return read(path).replace(STATEMENT_REGEXP, (_, keyword: string, type: string | undefined, list: string, from) => {
    const lines = new Map<string, string[]>();
    for (const { name, alias, isType } of type ? [] : parseNames(list)) {
      const found = isType ? undefined : findDeclaration(join(dirname(path), from), name, read);
      if (!found) continue;
      const names = lines.get(found.path) ?? [];
      names.push(found.name === alias ? alias : `${found.name} as ${alias}`);
      lines.set(found.path, names);
    }
    return Array.from(
      lines,
      ([target, names]) => `${keyword} { ${names.join(", ")} } from "${relativePath(dirname(path), target)}";`,
    ).join("\n");
  });
}

function parseNames(list: string): Name[] {
  return list.split(",").map((item) => item.trim()).filter(Boolean).map((item) => {
    const [, type, name, alias = name] = /^(type )?(\w+)(?: as (\w+))?$/.exec(item)!;
    return { name: name!, alias: alias!, isType: type !== undefined };
  });
}

/** Finds the file that declares an exported name of a file, and its name there; `undefined` for a type. */
function findDeclaration(path: string, name: string, read: ReadText): { path: string; name: string } | undefined {
  for (const [, keyword, type, list, from] of read(path).matchAll(STATEMENT_REGEXP)) {
    if (keyword !== "export") continue;
    const found = parseNames(list!).find(({ alias }) => alias === name);
    if (!found) continue;
    return type || found.isType ? undefined : findDeclaration(join(dirname(path), from!), found.name, read);
  }
  return { path, name };
}

/** Returns the relative path from a folder to a file; both have slashes. */
function relativePath(folder: string, path: string): string {
  const [from, to] = [folder.split("/"), path.split("/")];
  let same = 0;
  while (same < from.length && from[same] === to[same]) same++;
  return `${"../".repeat(from.length - same) || "./"}${to.slice(same).join("/")}`;
}
