import type { RegistriesConf } from "./types.ts";

/** What no file says. */
const NOTHING: RegistriesConf = { registries: [], aliases: new Map(), unknownKeys: [], files: [] };

/**
 * Puts files together in the order in which they count: a later one replaces registries of the same prefix whole, adds
 * aliases one by one (an empty one removes), and replaces every other value that it sets.
 */
export function mergeRegistriesConf(layers: readonly RegistriesConf[]): RegistriesConf {
  return layers.reduce((below, above): RegistriesConf => {
    const replaced = new Set(above.registries.map(({ prefix }) => prefix));
    const aliases = new Map([...below.aliases, ...above.aliases]);
    return {
      ...below,
      ...above,
      registries: [...below.registries.filter(({ prefix }) => !replaced.has(prefix)), ...above.registries],
      aliases: new Map([...aliases].filter(([, repository]) => repository !== "")),
      unknownKeys: [...below.unknownKeys, ...above.unknownKeys],
      files: [...below.files, ...above.files],
    };
  }, NOTHING);
}
