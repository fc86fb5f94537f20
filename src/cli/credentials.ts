import type { FoundSource, SystemContext } from "../system/local/room.ts";
import { UsageError } from "./errors.ts";
import { readSecret } from "./secrets.ts";

/** Credentials as flags give them. */
export interface CredentialFlags {
  creds?: string[];
}

interface GivenCredentials {
  registry: string | undefined;
  username: string;
  password: string;
}

/** A registry in front of credentials has a dot, a port or is `localhost`; anything else belongs to the user's name. */
const REGISTRY_REGEXP = /^((?:[\w-]+(?:\.[\w-]+)+(?::\d+)?|[\w-]+:\d+|localhost)(?:\/[^=:@]*)?)=(.*)$/s;

/**
 * The credentials of a call for one registry, and of others by their names. Those without a registry go to the one that
 * the call is for, and never to several.
 *
 * @param sources What will be read, where the call reads; default: it writes to one place.
 */
export async function credentialsContext(
  { creds = [] }: CredentialFlags,
  sources: readonly FoundSource[] = [],
): Promise<Pick<SystemContext, "dockerAuthConfig" | "credentials">> {
  const given = [];
  for (const text of creds) given.push(await parseCredentials(text));
  const nameless = given.filter(({ registry }) => registry === undefined);
  if (nameless.length > 1) throw new UsageError("--creds without a registry can be given once");
  const registries = [...new Set(sources.map(({ registry }) => registry).filter((name) => name !== undefined))];
  if (nameless.length > 0 && registries.length > 1) {
    throw new UsageError(
      `--creds would go to several registries (${registries.join(", ")}): write --creds ${registries[0]}=USER:PASSWORD`,
    );
  }
  const named = given.filter(({ registry }) => registry !== undefined);
  const pair = ({ username, password }: GivenCredentials) => ({ username, password });
  return {
    ...(nameless[0] ? { dockerAuthConfig: pair(nameless[0]) } : {}),
    ...(named.length === 0 ? {} : { credentials: Object.fromEntries(named.map((own) => [own.registry!, pair(own)])) }),
  };
}

async function parseCredentials(text: string): Promise<GivenCredentials> {
  const [, registry, rest = text] = REGISTRY_REGEXP.exec(text) ?? [];
  const colon = rest.indexOf(":");
  const username = colon < 0 ? rest : rest.slice(0, colon);
  if (username === "") throw new UsageError("--creds must be [REGISTRY=]USER:PASSWORD");
  return { registry, username, password: colon < 0 ? await askPassword(username) : rest.slice(colon + 1) };
}

async function askPassword(username: string): Promise<string> {
  return await readSecret(`password for ${username}`, "Write --creds USER:PASSWORD, or use --authfile");
}
