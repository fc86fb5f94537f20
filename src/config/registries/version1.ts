import type { ConfTable } from "../document/mod.ts";
import { parseLocation, parseSearchRegistries } from "./locations.ts";
import type { RegistriesConf, RegistryEntry } from "./types.ts";

/** Parses the format of version 1, three lists of hosts. `undefined` if the file has another format. */
export function readVersion1(root: ConfTable): Omit<RegistriesConf, "unknownKeys"> | undefined {
  if (!root.has("registries")) return undefined;
  const table = root.table("registries");
  const [search, insecure, blocked] = (["search", "insecure", "block"] as const).map((key) => {
    const list = table.table(key);
    const texts = list.texts("registries") ?? [];
    return key === "search"
      ? parseSearchRegistries(list, "registries", texts)
      : texts.map((text) => parseLocation(list, "registries", text));
  }) as [string[], string[], string[]];
  // Files of version 2 may contain empty lists of version 1.
  if (search.length + insecure.length + blocked.length === 0) return undefined;
  const hosts = [...new Set([...blocked, ...insecure])];
  return {
    registries: hosts.map((host): RegistryEntry => ({
      prefix: host,
      location: host,
      insecure: insecure.includes(host),
      blocked: blocked.includes(host),
      mirrors: [],
      file: root.file,
    })),
    unqualifiedSearchRegistries: search,
    unqualifiedSearchRegistriesFile: root.file,
    aliases: new Map(),
    files: [root.file],
  };
}
