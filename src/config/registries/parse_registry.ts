import type { ConfTable } from "../document/mod.ts";
import { parseLocation } from "./locations.ts";
import type { PullFromMirror, RegistryEntry, RegistryMirror } from "./types.ts";

const PULL_FROM_MIRROR: readonly string[] = ["all", "digest-only", "tag-only"] satisfies PullFromMirror[];

/** Start of prefixes that match all hosts of a domain. */
const WILDCARD = "*.";

/** Reads a location: a host with an optional path, without trailing slashes; empty if the key is not set. */
function readLocation(table: ConfTable, key: string): string {
  return parseLocation(table, key, table.text(key) ?? "");
}

/** Parses one `[[registry]]` table. */
export function readRegistry(table: ConfTable): RegistryEntry {
  const location = readLocation(table, "location");
  const prefix = readLocation(table, "prefix") || location;
  const isWildcard = prefix.startsWith(WILDCARD);
  if (prefix === "") table.fail(undefined, "has neither prefix nor location");
  if (location === "" && !isWildcard) {
    table.fail("location", `must be set, as the prefix ${JSON.stringify(prefix)} is not in the format *.example.com`);
  }
  if (isWildcard && /[/@:]/.test(prefix)) {
    table.fail("prefix", `must be in the format *.example.com, not ${JSON.stringify(prefix)}`);
  }
  if (table.nonEmptyText("pull-from-mirror") !== undefined) {
    table.fail("pull-from-mirror", "is only allowed in mirrors, not in a registry");
  }
  const byDigestOnly = table.boolean("mirror-by-digest-only") ?? false;
  return {
    prefix,
    location,
    insecure: table.boolean("insecure") ?? false,
    blocked: table.boolean("blocked") ?? false,
    mirrors: table.tables("mirror").map((mirror) => readMirror(mirror, byDigestOnly)),
    file: table.file,
  };
}

function readMirror(table: ConfTable, byDigestOnly: boolean): RegistryMirror {
  const location = readLocation(table, "location");
  if (location === "") table.fail("location", "must be set");
  const mode = table.nonEmptyText("pull-from-mirror");
  if (mode !== undefined && byDigestOnly) {
    table.fail("pull-from-mirror", "cannot be set together with mirror-by-digest-only of the registry");
  }
  if (mode !== undefined && !PULL_FROM_MIRROR.includes(mode)) {
    table.fail("pull-from-mirror", `must be one of ${PULL_FROM_MIRROR.join(", ")}, not ${JSON.stringify(mode)}`);
  }
  const pullFromMirror = byDigestOnly ? "digest-only" : mode as PullFromMirror | undefined ?? "all";
  return { location, insecure: table.boolean("insecure") ?? false, pullFromMirror };
}

/** Asserts that all entries for one location have the same values of `insecure` and `blocked`. */
export function assertNoConflicts(registries: readonly { table: ConfTable; entry: RegistryEntry }[]): void {
  // The first entry of each location stands for all others, which were found to be equal.
  const byLocation = new Map<string, RegistryEntry>();
  for (const { table, entry } of registries) {
    const { location } = entry;
    const first = byLocation.get(location);
    if (!first) byLocation.set(location, entry);
    for (const key of ["insecure", "blocked"] as const) {
      if (first && first[key] !== entry[key]) {
        table.fail(key, `contradicts another entry for the location ${JSON.stringify(location)}`);
      }
    }
  }
}
