import { hasDomain, parseReference } from "../../spec/room.ts";
import { type ConfTable, parseToml, type TomlParser } from "../document/mod.ts";

/** Repositories by short name. An empty repository removes an alias of a file with lower precedence. */
export type ShortNameAliases = ReadonlyMap<string, string>;

/** Parses a table of aliases. Names and repositories must have neither tag nor digest. */
export function readAliases(table: ConfTable): ShortNameAliases {
  return new Map(table.keys.map((key) => {
    if (!isBareName(key) || hasDomain(key)) {
      table.fail(key, "must be a short name without host, tag or digest");
    }
    const repository = table.text(key)!;
    if (repository !== "" && (!hasDomain(repository) || !isBareName(repository))) {
      table.fail(
        key,
        `must be a repository with its host and without tag or digest, not ${JSON.stringify(repository)}`,
      );
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
 * Parses `short-name-aliases.conf`, in which podman and buildah record the choices of users for short names.
 *
 * @param path Path of the file for error messages.
 * @throws {ConfigFileError} If the file is invalid.
 */
export function parseShortNameAliases(text: string, parse: TomlParser, path: string): ShortNameAliases {
  return readAliases(parseToml(text, parse, path).table("aliases"));
}
