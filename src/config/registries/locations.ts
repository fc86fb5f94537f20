import { isRegistryHost } from "../../spec/room.ts";
import type { ConfTable } from "../document/mod.ts";

/** A host, with path where it has one, of a key: without slash at its end. */
export function parseLocation(table: ConfTable, key: string, text: string): string {
  if (/^https?:\/\//.test(text)) table.fail(key, "must begin with a host, without a scheme");
  return text.replace(/\/+$/, "");
}

/** The hosts in which short names are looked for, of a key. */
export function parseSearchRegistries(table: ConfTable, key: string, texts: readonly string[]): string[] {
  const hosts = texts.map((text) => parseLocation(table, key, text));
  return hosts.every(isRegistryHost) ? hosts : table.fail(key, "must hold hosts, as in quay.io or localhost:5000");
}
