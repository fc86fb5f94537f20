import type { FoundSource, SystemContext } from "../system/local/room.ts";
import { UsageError } from "./errors.ts";
import { readSecret } from "./secrets.ts";

/** Flags that contain credentials of registries. */
export interface CredentialFlags {
  creds?: string[];
  noCreds?: boolean;
}

/** Place that a command reads or writes. */
export type RegistryPlace = Pick<FoundSource, "registry">;

interface GivenCredentials {
  registry: string | undefined;
  username: string;
  password: string;
}

/**
 * Matches `REGISTRY=USER:PASSWORD`. A registry has a dot or a port, or is `localhost`; any other text before `=` is part
 * of the user name.
 */
const REGISTRY_REGEXP = /^((?:[\w-]+(?:\.[\w-]+)+(?::\d+)?|[\w-]+:\d+|localhost)(?:\/[^=:@]*)?)=(.*)$/s;

/** Returns whether a value of `--creds` names the registry that it is for. */
export function namesRegistry(text: string): boolean {
  return REGISTRY_REGEXP.test(text);
}

/**
 * Parses `--creds`. Credentials without a registry are for the only registry of the call; they are never sent to several
 * registries.
 *
 * @param sources Places that the command reads or writes; default: none, the command has one destination.
 * @throws {UsageError} A value is malformed, or it is not clear for which registry it is.
 */
export async function credentialsContext(
  { creds = [], noCreds }: CredentialFlags,
  sources: readonly RegistryPlace[] = [],
): Promise<Pick<SystemContext, "dockerAuthConfig" | "credentials">> {
  if (noCreds) return { dockerAuthConfig: {} };
  const given = [];
  for (const text of creds) given.push(await parseCredentials(text));
  const nameless = given.filter(({ registry }) => registry === undefined);
  if (nameless.length > 1) throw new UsageError("--creds without a registry can only be given once");
  const registries = [...new Set(sources.map(({ registry }) => registry).filter((name) => name !== undefined))];
  if (nameless.length > 0 && registries.length > 1) {
    throw new UsageError(
      `--creds must name a registry, since several are used (${registries.join(", ")}): write --creds ${
        registries[0]
      }=USER:PASSWORD`,
    );
  }
  const named = given.filter(({ registry }) => registry !== undefined);
  const pair = ({ username, password }: GivenCredentials) => ({ username, password });
  return {
    ...(nameless[0] ? { dockerAuthConfig: pair(nameless[0]) } : {}),
    ...(named.length === 0
      ? {}
      : { credentials: Object.fromEntries(named.map((item) => [item.registry!, pair(item)])) }),
  };
}

/** Splits a value of `--creds`. `password` is `undefined` if the value has none. */
export function splitCredentials(text: string) {
  const [, registry, rest = text] = REGISTRY_REGEXP.exec(text) ?? [];
  const colon = rest.indexOf(":");
  return {
    registry,
    username: colon < 0 ? rest : rest.slice(0, colon),
    password: colon < 0 ? undefined : rest.slice(colon + 1),
  };
}

async function parseCredentials(text: string): Promise<GivenCredentials> {
  const { registry, username, password } = splitCredentials(text);
  if (username === "") throw new UsageError("--creds must be [REGISTRY=]USER:PASSWORD");
  return { registry, username, password: password ?? await askPassword(username) };
}

async function askPassword(username: string): Promise<string> {
  return await readSecret(`password for ${username}`, "Use --creds USER:PASSWORD or --authfile");
}
