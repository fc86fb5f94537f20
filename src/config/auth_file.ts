import { decodeBase64 } from "../internal/room.ts";
import type { Credentials } from "../spec/room.ts";
import { type ConfTable, parseJsonFile } from "./document/mod.ts";

/**
 * A credential file: podman's `auth.json`, Docker's `config.json`, or the older `.dockercfg`. Entries are read when they
 * are used, so that a bad one fails for its own registry only. Reading one throws {@linkcode ConfigFileError}.
 */
export interface AuthFile {
  /** Reads the credentials of a registry host, or host and path. */
  readonly auths: ReadonlyMap<string, () => Credentials>;
  /** Reads the name of a registry host's credential helper. */
  readonly credHelpers: ReadonlyMap<string, () => string>;
  /** Reads the name of the helper for every other registry; `undefined` if there is none. */
  readonly credsStore: () => string | undefined;
  /** Whether keys may only name hosts, as in `.dockercfg`. */
  readonly isLegacy: boolean;
}

/** Options for {@linkcode parseAuthFile}. */
export interface ParseAuthFileOptions {
  /**
   * Whether the file has the format of `.dockercfg`: nothing but credentials, by host.
   *
   * @default {false}
   */
  legacy?: boolean | undefined;
}

/**
 * Reads a credential file, but not yet its entries. No error repeats a secret of it.
 *
 * @param path Names the file in errors.
 * @throws {ConfigFileError} If the file is not JSON, or `auths` or `credHelpers` is not an object; names file, line and
 * key.
 */
export function parseAuthFile(bytes: Uint8Array, path: string, options: ParseAuthFileOptions = {}): AuthFile {
  const { legacy: isLegacy = false } = options;
  const root = parseJsonFile(bytes, path);
  const auths = isLegacy ? root : root.table("auths");
  const helpers = isLegacy ? undefined : root.table("credHelpers");
  return {
    auths: new Map(auths.keys.map((key) => [key, () => auths.isTable(key) ? readEntry(auths.table(key)) : {}])),
    credHelpers: new Map(helpers?.keys.map((key) => [key, () => helpers.text(key) ?? ""])),
    credsStore: () => isLegacy ? undefined : root.nonEmptyText("credsStore"),
    isLegacy,
  };
}

function readEntry(entry: ConfTable): Credentials {
  const identityToken = entry.nonEmptyText("identitytoken");
  const token = identityToken === undefined ? {} : { identityToken };
  const auth = entry.nonEmptyText("auth");
  if (auth === undefined) {
    const [username, password] = [entry.text("username"), entry.text("password")];
    return username !== undefined && password !== undefined ? { username, password, ...token } : token;
  }
  const decoded = decodeBase64(auth) ?? entry.fail("auth", "is not base64");
  const text = new TextDecoder().decode(decoded);
  const colon = text.indexOf(":");
  if (colon < 0) return token;
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, ""), ...token };
}

/** What a credential file has for a repository: credentials, or whom to ask for them. */
export type FoundAuth = { readonly credentials: Credentials } | { readonly question: HelperQuestion };

/** A question for a credential helper. */
export interface HelperQuestion {
  /** The helper's name: `docker-credential-` comes before it. */
  readonly helper: string;
  /** The registry as the helper knows it. */
  readonly registry: string;
  /** Whether a helper that is not there means no more than that there are no credentials. */
  readonly isOptional: boolean;
}

/** Under what name Docker's own tools keep the credentials of Docker Hub. */
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";

/**
 * What a credential file has for a repository, `host/path`: the helper of its host; else the credentials of the most
 * specific key, then of any key for the host however it is spelled; else the helper for everything. `undefined` where it
 * has nothing.
 *
 * @throws {ConfigFileError} If an entry that it uses cannot be read; other entries are not looked at.
 */
export function findAuth(file: AuthFile, name: string): FoundAuth | undefined {
  const registry = name.split("/")[0]!;
  const helper = file.credHelpers.get(registry)?.();
  if (helper) return { question: { helper, registry, isOptional: false } };
  const credentials = findCredentials(file, name);
  if (credentials) return { credentials };
  const credsStore = file.credsStore();
  if (credsStore === undefined) return undefined;
  // podman and its kin do not know this member: where its helper is missing, they go on as strangers.
  const known = registry === "docker.io" ? DOCKER_HUB_KEY : registry;
  return { question: { helper: credsStore, registry: known, isOptional: true } };
}

/**
 * The credentials that a file itself has for a repository, `host/path`: of the most specific key, then of any key for
 * the host however it is spelled.
 *
 * @throws {ConfigFileError} If an entry that it uses cannot be read; other entries are not looked at.
 */
export function findCredentials(file: AuthFile, name: string): Credentials | undefined {
  const host = name.split("/")[0]!;
  for (let at = file.isLegacy ? host : name; at !== ""; at = at.slice(0, Math.max(at.lastIndexOf("/"), 0))) {
    const exact = file.auths.get(at)?.();
    if (exact && !isEmpty(exact)) return exact;
  }
  for (const [key, read] of file.auths) {
    if (getKeyHost(key, file.isLegacy) !== normalizeHost(host)) continue;
    const credentials = read();
    if (!isEmpty(credentials)) return credentials;
  }
  return undefined;
}

/** The host that a key of Docker's means, `https://index.docker.io/v1/`; the whole of a key that names a repository. */
function getKeyHost(key: string, isLegacy: boolean): string {
  const bare = key.replace(/^https?:\/\//, "");
  return normalizeHost(isLegacy || bare !== key ? bare.split("/")[0]! : bare);
}

/** Docker leaves an empty entry where the credentials are kept by a helper. */
function isEmpty(credentials: Credentials): boolean {
  return Object.keys(credentials).length === 0;
}

function normalizeHost(host: string): string {
  return host === "index.docker.io" || host === "registry-1.docker.io" ? "docker.io" : host;
}
