import { decodeBase64 } from "../internal/mod.ts";
import { type Credentials, isObject, ManifestsError, parseJson } from "../spec/mod.ts";

/** A credential file (`auth.json`, Docker's `config.json`). */
export interface AuthFile {
  /** Credentials by registry host, or host and path. */
  readonly auths: ReadonlyMap<string, Credentials>;
}

/**
 * Reads a credential file.
 *
 * @param path Names the file in errors.
 * @throws {ManifestsError} With code `CONFIG_FILE_INVALID`.
 */
export function parseAuthFile(bytes: Uint8Array, path: string): AuthFile {
  try {
    const { value } = parseJson(bytes, path);
    const auths = isObject(value) && isObject(value.auths) ? value.auths : {};
    return { auths: new Map(Object.entries(auths).map(([key, entry]) => [key, readEntry(entry, key)])) };
  } catch (cause) {
    // The cause may quote the file, which holds secrets.
    throw new ManifestsError("CONFIG_FILE_INVALID", `Cannot read credential file ${path}: ${(cause as Error).message}`);
  }
}

function readEntry(entry: unknown, key: string): Credentials {
  if (!isObject(entry)) return {};
  const { auth, identitytoken, username, password } = entry;
  const token = typeof identitytoken === "string" && identitytoken !== "" ? { identityToken: identitytoken } : {};
  if (typeof auth !== "string" || auth === "") {
    return typeof username === "string" && typeof password === "string" ? { username, password, ...token } : token;
  }
  const decoded = decodeBase64(auth);
  if (!decoded) throw new TypeError(`auth of ${JSON.stringify(key)} is not base64`);
  const text = new TextDecoder().decode(decoded);
  const colon = text.indexOf(":");
  if (colon < 0) return token;
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, ""), ...token };
}

/**
 * The credentials for a repository, `host/path`: of the most specific key, then of any key for the host however it is
 * spelled.
 */
export function findCredentials(file: AuthFile, name: string): Credentials | undefined {
  for (let at = name; at !== ""; at = at.slice(0, Math.max(at.lastIndexOf("/"), 0))) {
    const exact = file.auths.get(at);
    if (exact && !isEmpty(exact)) return exact;
  }
  const host = normalizeHost(name.split("/")[0]!);
  for (const [key, credentials] of file.auths) {
    const keyHost = key.replace(/^https?:\/\//, "").split("/")[0]!;
    if (/^https?:\/\//.test(key) || !key.includes("/")) {
      if (normalizeHost(keyHost) === host && !isEmpty(credentials)) return credentials;
    }
  }
  return undefined;
}

/** Docker leaves an empty entry where the credentials are kept by a helper. */
function isEmpty(credentials: Credentials): boolean {
  return Object.keys(credentials).length === 0;
}

function normalizeHost(host: string): string {
  return host === "index.docker.io" || host === "registry-1.docker.io" ? "docker.io" : host;
}
