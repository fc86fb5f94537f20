import type { RegistriesConf } from "./types.ts";

/** The configuration without any file. */
const EMPTY: RegistriesConf = { registries: [], aliases: new Map(), unknownKeys: [], files: [] };

/**
 * Merges files in ascending order of precedence. A later file replaces whole registries with the same prefix, adds or
 * replaces single aliases (an empty repository removes one), and replaces every other value that it sets.
 */
export function mergeRegistriesConf(layers: readonly RegistriesConf[]): RegistriesConf {
  return layers.reduce((lower, higher): RegistriesConf => {
    const replaced = new Set(higher.registries.map(({ prefix }) => prefix));
    const aliases = new Map([...lower.aliases, ...higher.aliases]);
    return {
      ...lower,
      ...higher,
      registries: [...lower.registries.filter(({ prefix }) => !replaced.has(prefix)), ...higher.registries],
      aliases: new Map([...aliases].filter(([, repository]) => repository !== "")),
      unknownKeys: [...lower.unknownKeys, ...higher.unknownKeys],
      files: [...lower.files, ...higher.files],
    };
  }, EMPTY);
}
