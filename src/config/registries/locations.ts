import { isRegistryHost } from "../../spec/room.ts";
import type { ConfTable } from "../document/mod.ts";

/** Parses the location of a key: a host with an optional path. Removes trailing slashes. */
export function parseLocation(table: ConfTable, key: string, text: string): string {
  if (/^https?:\/\//.test(text)) table.fail(key, "must start with a host, without a scheme");
  return text.replace(/\/+$/, "");
}

/** Parses the hosts of a key that are searched for short names. */
export function parseSearchRegistries(table: ConfTable, key: string, texts: readonly string[]): string[] {
  const hosts = texts.map((text) => parseLocation(table, key, text));
  return hosts.every(isRegistryHost) ? hosts : table.fail(key, "must contain hosts, such as quay.io or localhost:5000");
}
