import { type ConfTable, parseToml, type TomlParser } from "../document/mod.ts";
import { readAliases } from "./aliases.ts";
import { parseSearchRegistries } from "./locations.ts";
import { assertNoConflicts, readRegistry } from "./parse_registry.ts";
import { readVersion1 } from "./version1.ts";
import { type RegistriesConf, SHORT_NAME_MODES, type ShortNameMode } from "./types.ts";

/** Keys of version 2, which are not allowed in a file of version 1. */
const VERSION2_KEYS = ["registry", "unqualified-search-registries", "credential-helpers", "short-name-mode", "aliases"];

/** Options for {@linkcode parseRegistriesConf}. */
export interface ParseRegistriesConfOptions {
  /**
   * Whether the format of version 1 is allowed. It is not allowed in drop-ins.
   *
   * @default {true}
   */
  allowVersion1?: boolean | undefined;
}

/**
 * Parses one `registries.conf` (containers-registries.conf.5) of version 2 or 1.
 *
 * @param path Path of the file for error messages.
 * @throws {ConfigFileError} If the file is invalid.
 *
 * @example
 * ```ts
 * import { parse } from "smol-toml";
 * import { findRegistry, parseRegistriesConf } from "../room.ts";
 * import assert from "node:assert/strict";
 *
 * const conf = parseRegistriesConf('[[registry]]\nlocation = "quay.io"\nblocked = true', parse, "registries.conf");
 * assert.equal(findRegistry(conf, "quay.io/me/app")?.blocked, true);
 * ```
 */
export function parseRegistriesConf(
  text: string,
  parse: TomlParser,
  path: string,
  options: ParseRegistriesConfOptions = {},
): RegistriesConf {
  const root = parseToml(text, parse, path);
  const version1 = readVersion1(root);
  if (version1) {
    const mixed = VERSION2_KEYS.find((key) => root.has(key));
    if (mixed !== undefined) root.fail(mixed, "belongs to version 2 of the format, but [registries] to version 1");
    if (options.allowVersion1 === false) root.fail("registries", "belongs to version 1; drop-ins must use version 2");
    return { ...version1, unknownKeys: listUnknownKeys(root) };
  }
  const registries = root.tables("registry").map((table) => ({ table, entry: readRegistry(table) }));
  assertNoConflicts(registries);
  const searched = root.texts("unqualified-search-registries");
  const credentialHelpers = root.texts("credential-helpers");
  const shortNameMode = readMode(root);
  const helper = root.nonEmptyText("additional-layer-store-auth-helper");
  const aliases = readAliases(root.table("aliases"));
  return {
    registries: firstOfEachPrefix(registries.map(({ entry }) => entry)),
    ...(searched ? searchRegistries(root, searched) : {}),
    ...(credentialHelpers ? { credentialHelpers } : {}),
    ...(shortNameMode ? { shortNameMode } : {}),
    ...(helper === undefined ? {} : { additionalLayerStoreAuthHelper: helper }),
    aliases,
    unknownKeys: listUnknownKeys(root),
    files: [path],
  };
}

function listUnknownKeys(root: ConfTable): string[] {
  return root.unknownKeys().map((key) => `${root.file}: ${key}`);
}

function readMode(root: ConfTable): ShortNameMode | undefined {
  const mode = root.nonEmptyText("short-name-mode");
  if (mode === undefined || SHORT_NAME_MODES.includes(mode)) return mode as ShortNameMode | undefined;
  return root.fail("short-name-mode", `must be one of ${SHORT_NAME_MODES.join(", ")}, not ${JSON.stringify(mode)}`);
}

function searchRegistries(root: ConfTable, hosts: readonly string[]): Partial<RegistriesConf> {
  return {
    unqualifiedSearchRegistries: parseSearchRegistries(root, "unqualified-search-registries", hosts),
    unqualifiedSearchRegistriesFile: root.file,
  };
}

/** Keeps the first entry of each prefix: it takes precedence within one file. */
function firstOfEachPrefix<T extends { readonly prefix: string }>(entries: readonly T[]): T[] {
  return entries.filter((entry, i) => entries.findIndex(({ prefix }) => prefix === entry.prefix) === i);
}
