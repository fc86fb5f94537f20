import { join } from "@std/path";
import { encodeUtf8 } from "../../internal/room.ts";
import { type Credentials, isManifestsError, ManifestsError } from "../../spec/room.ts";
import { findAuth, parseAuthFile, type ParseAuthFileOptions } from "../auth_file.ts";
import { type ConfigurationChoices, implicitPath } from "./choices.ts";
import { askHelper } from "./credential_helpers.ts";
import { findUid, readDefault, readEnv, readRequired } from "./host.ts";

/** Name in `credential-helpers` of `registries.conf` that stands for the credential files. */
const CREDENTIAL_FILES = "containers-auth.json";

/** A credential file to search. */
interface AuthPath extends ParseAuthFileOptions {
  readonly path: string;
}

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
  helpers: readonly string[] = [CREDENTIAL_FILES],
): Promise<Credentials | undefined> {
  const named = namedFile(choices);
  const registry = name.split("/")[0]!;
  const failures: Error[] = [];
  for (const helper of helpers.length > 0 ? helpers : [CREDENTIAL_FILES]) {
    try {
      const found = helper === CREDENTIAL_FILES
        ? await searchFiles(name, named, choices)
        : await askHelper({ helper, registry, isOptional: false });
      if (found) return found;
    } catch (error) {
      if (!isManifestsError(error)) throw error;
      failures.push(error);
    }
  }
  if (failures.length === 0) return undefined;
  if (failures.length === 1) throw failures[0];
  throw new ManifestsError(
    "CREDENTIAL_HELPER_FAILED",
    `Cannot find credentials for ${name}: ${failures.map(({ message }) => message).join("; ")}`,
    { cause: new AggregateError(failures) },
  );
}

function namedFile(choices: ConfigurationChoices): AuthPath | undefined {
  const { authFilePath, dockerCompatAuthFilePath, legacyFormatAuthFilePath } = choices;
  if (authFilePath && dockerCompatAuthFilePath) {
    throw new TypeError(
      "Cannot choose a credential file: authFilePath and dockerCompatAuthFilePath cannot be set simultaneously",
    );
  }
  const path = authFilePath || dockerCompatAuthFilePath;
  if (path) return { path };
  if (legacyFormatAuthFilePath) return { path: legacyFormatAuthFilePath, legacy: true };
  const variable = readEnv("REGISTRY_AUTH_FILE");
  return variable ? { path: variable } : undefined;
}

async function searchFiles(
  name: string,
  named: AuthPath | undefined,
  choices: ConfigurationChoices,
): Promise<Credentials | undefined> {
  if (named) {
    const bytes = await readRequired(named.path, "credential file");
    return await lookUp(bytes, named, name);
  }
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

function defaultFiles(choices: ConfigurationChoices): AuthPath[] {
  const dockerConfig = readEnv("DOCKER_CONFIG");
  if (dockerConfig) return [{ path: join(dockerConfig, "config.json") }];
  const home = readEnv("HOME");
  const runtime = readEnv("XDG_RUNTIME_DIR");
  const uid = findUid();
  const config = readEnv("XDG_CONFIG_HOME") || (home && join(home, ".config"));
  return [
    ...(runtime ? [{ path: join(runtime, "containers/auth.json") }] : []),
    ...(!runtime && uid !== undefined ? [{ path: implicitPath(`/run/containers/${uid}/auth.json`, choices) }] : []),
    ...(config ? [{ path: join(config, "containers/auth.json") }] : []),
    ...(home ? [{ path: join(home, ".docker/config.json") }, { path: join(home, ".dockercfg"), legacy: true }] : []),
  ];
}
