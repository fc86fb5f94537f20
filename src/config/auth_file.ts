import { decodeBase64 } from "../internal/room.ts";
import type { Credentials } from "../spec/room.ts";
import { type ConfTable, parseJsonFile } from "./document/mod.ts";

/**
 * A credential file: podman's `auth.json`, Docker's `config.json`, or the older `.dockercfg`. Entries are read when
 * they are used, so that a bad one fails for its own registry only. Reading one throws {@linkcode ConfigFileError}.
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

/** Result of a look-up in a credential file: the credentials, or the helper that has them. */
export type FoundAuth = { readonly credentials: Credentials } | { readonly question: HelperQuestion };

/** A request to a credential helper. */
export interface HelperQuestion {
  /** Name of the helper: its program is `docker-credential-<name>`. */
  readonly helper: string;
  /** Name of the registry as the helper expects it. */
  readonly registry: string;
  /** Whether a missing helper is treated as a helper without credentials instead of an error. */
  readonly isOptional: boolean;
}

/** Key under which Docker stores the credentials of Docker Hub. */
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";

/**
 * Looks up a repository, `host/path`, in a credential file. In this order: the helper of its host; the credentials of
 * the most specific key; those of any key for the host in another spelling; the helper for all registries. `undefined`
 * if nothing matches.
 *
 * @throws {ConfigFileError} If a used entry is invalid. Other entries are not read.
 */
export function findAuth(file: AuthFile, name: string): FoundAuth | undefined {
  const registry = name.split("/")[0]!;
  const helper = file.credHelpers.get(registry)?.();
  if (helper) return { question: { helper, registry, isOptional: false } };
  const credentials = findCredentials(file, name);
  if (credentials) return { credentials };
  const credsStore = file.credsStore();
  if (credsStore === undefined) return undefined;
  // podman, buildah and skopeo ignore this member: if its helper is missing, they continue anonymously.
  const known = registry === "docker.io" ? DOCKER_HUB_KEY : registry;
  return { question: { helper: credsStore, registry: known, isOptional: true } };
}

/**
 * Looks up credentials for a repository, `host/path`, in a file without its helpers: those of the most specific key,
 * then those of any key for the host in another spelling.
 *
 * @throws {ConfigFileError} If a used entry is invalid. Other entries are not read.
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

/**
 * Returns the host of a key in Docker's format, such as `https://index.docker.io/v1/`. A key of a repository is
 * returned whole.
 */
function getKeyHost(key: string, isLegacy: boolean): string {
  const bare = key.replace(/^https?:\/\//, "");
  return normalizeHost(isLegacy || bare !== key ? bare.split("/")[0]! : bare);
}

/** Whether the key of a file stands for a registry or namespace, in any spelling, such as `https://host/v1/`. */
export function isKeyOf(key: string, name: string): boolean {
  return getKeyHost(key, false) === normalizeHost(name);
}

/** Whether an entry has no credentials. Docker writes an empty entry if a helper stores the credentials. */
function isEmpty(credentials: Credentials): boolean {
  return Object.keys(credentials).length === 0;
}

function normalizeHost(host: string): string {
  return host === "index.docker.io" || host === "registry-1.docker.io" ? "docker.io" : host;
}
