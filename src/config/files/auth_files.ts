import { encodeUtf8 } from "../../internal/room.ts";
import { type Credentials, isManifestsError, ManifestsError } from "../../spec/room.ts";
import { findAuth, parseAuthFile } from "../auth_file.ts";
import { type AuthPath, defaultFiles, namedFile } from "./auth_paths.ts";
import type { ConfigurationChoices } from "./choices.ts";
import { askHelper } from "./credential_helpers.ts";
import { readDefault, readEnv, readOptional, readRequired } from "./host.ts";

/** Name in `credential-helpers` of `registries.conf` that stands for the credential files. */
const CREDENTIAL_FILES = "containers-auth.json";

/**
 * Loads the user's credentials for a repository, `host/path`; `undefined` if none are found. The sources are tried in
 * order, and the first one with credentials is used: the helpers of `registries.conf`, one of which stands for the
 * credential files. A file that the caller, `REGISTRY_AUTH_FILE` or `DOCKER_CONFIG` names is the only one; by default,
 * podman's and Docker's files are read in the order of podman.
 *
 * @param helpers `credential-helpers` of `registries.conf`. Default: only the credential files.
 * @throws {TypeError} If both `authFilePath` and `dockerCompatAuthFilePath` are set.
 * @throws {ManifestsError} With code `CONFIG_FILE_INVALID`, `CONFIG_FILE_UNREADABLE` or `CREDENTIAL_HELPER_FAILED` if a
 * source fails and no other source has credentials.
 */
export async function loadCredentials(
  name: string,
  choices: ConfigurationChoices = {},
  helpers: readonly string[] = [],
): Promise<Credentials | undefined> {
  return await search(name, choices, helpers, (path) => readRequired(path, "credential file"));
}

/**
 * Loads saved credentials like {@linkcode loadCredentials}, except that a named file may be missing: a login creates it.
 *
 * @throws {TypeError} If both `authFilePath` and `dockerCompatAuthFilePath` are set.
 * @throws {ManifestsError} With the codes of {@linkcode loadCredentials}.
 */
export async function findSavedCredentials(
  name: string,
  choices: ConfigurationChoices,
  helpers: readonly string[],
): Promise<Credentials | undefined> {
  return await search(name, choices, helpers, readOptional);
}

async function search(
  name: string,
  choices: ConfigurationChoices,
  helpers: readonly string[],
  readNamed: (path: string) => Promise<Uint8Array | undefined>,
): Promise<Credentials | undefined> {
  const named = namedFile(choices);
  const registry = name.split("/")[0]!;
  return await findInSources(`find credentials for ${name}`, helpers, async (helper) => {
    if (helper !== undefined) return await askHelper({ helper, registry, isOptional: false });
    if (!named) return await searchFiles(name, choices);
    const bytes = await readNamed(named.path);
    return bytes && await lookUp(bytes, named, name);
  });
}

/**
 * Tries the sources of credentials in order until one returns a value. A failed source is only an error if no other one
 * returns a value.
 *
 * @param action What is done, for error messages, such as `find credentials for quay.io`.
 * @param helpers `credential-helpers` of `registries.conf`; none: only the credential files.
 * @param ask Asks a helper or, for `undefined`, the credential files.
 * @throws {ManifestsError} The error of the only source that failed, or one with code `CREDENTIAL_HELPER_FAILED`.
 */
export async function findInSources<T>(
  action: string,
  helpers: readonly string[],
  ask: (helper: string | undefined) => Promise<T | undefined>,
): Promise<T | undefined> {
  const failures: Error[] = [];
  for (const helper of helpers.length > 0 ? helpers : [CREDENTIAL_FILES]) {
    try {
      const found = await ask(helper === CREDENTIAL_FILES ? undefined : helper);
      if (found !== undefined) return found;
    } catch (error) {
      if (!isManifestsError(error)) throw error;
      failures.push(error);
    }
  }
  if (failures.length === 0) return undefined;
  if (failures.length === 1) throw failures[0];
  throw new ManifestsError(
    "CREDENTIAL_HELPER_FAILED",
    `Cannot ${action}: ${failures.map(({ message }) => message).join("; ")}`,
    { cause: new AggregateError(failures) },
  );
}

async function searchFiles(
  name: string,
  choices: ConfigurationChoices,
): Promise<Credentials | undefined> {
  for (const file of defaultFiles(choices)) {
    // Default files are only read if that is permitted. Otherwise, registries are accessed anonymously.
    const bytes = await readDefault(file.path);
    const found = bytes && await lookUp(bytes, file, name);
    if (found) return found;
  }
  const inline = readEnv("DOCKER_AUTH_CONFIG");
  return inline ? await lookUp(encodeUtf8(inline), { path: "DOCKER_AUTH_CONFIG" }, name) : undefined;
}

async function lookUp(bytes: Uint8Array, file: AuthPath, name: string): Promise<Credentials | undefined> {
  const found = findAuth(parseAuthFile(bytes, file.path, file), name);
  if (!found) return undefined;
  return "credentials" in found ? found.credentials : await askHelper(found.question);
}
