import { hasDomain, parseReference } from "../../spec/room.ts";
import { type ConfTable, parseToml, type TomlParser } from "../document/mod.ts";

/** Repositories by short name; an empty one removes an alias that another file made. */
export type ShortNameAliases = ReadonlyMap<string, string>;

/** Reads a table of aliases; names and repositories have neither tag nor digest. */
export function readAliases(table: ConfTable): ShortNameAliases {
  return new Map(table.keys.map((key) => {
    if (!isBareName(key) || hasDomain(key)) {
      table.fail(key, "must be a short name: without host, tag and digest");
    }
    const repository = table.text(key)!;
    if (repository !== "" && (!hasDomain(repository) || !isBareName(repository))) {
      table.fail(key, `must be a repository with its host, without tag and digest, not ${JSON.stringify(repository)}`);
    }
    return [key, repository];
  }));
}

function isBareName(text: string): boolean {
  try {
    const { tag, digest } = parseReference(text);
    return tag === undefined && digest === undefined;
  } catch {
    return false;
  }
}

/**
 * Reads the file in which the real tools remember what a person chose (`short-name-aliases.conf`).
 *
 * @param path Names the file in errors.
 * @throws {ConfigFileError} That names file, line and key.
 */
export function parseShortNameAliases(text: string, parse: TomlParser, path: string): ShortNameAliases {
  return readAliases(parseToml(text, parse, path).table("aliases"));
}
