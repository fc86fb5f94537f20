import { join } from "@std/path";
import { encodeUtf8 } from "../../internal/room.ts";
import { type Credentials, isManifestsError, ManifestsError } from "../../spec/room.ts";
import { findAuth, parseAuthFile, type ParseAuthFileOptions } from "../auth_file.ts";
import { type ConfigurationChoices, implicitPath } from "./choices.ts";
import { askHelper } from "./credential_helpers.ts";
import { findUid, readDefault, readEnv, readRequired } from "./host.ts";

/** The name, among the credential helpers of `registries.conf`, of the credential files. */
const CREDENTIAL_FILES = "containers-auth.json";

/** A credential file to look into. */
interface AuthPath extends ParseAuthFileOptions {
  readonly path: string;
}

/**
 * The credentials that the user's files and helpers hold for a repository, `host/path`; `undefined` where there are
 * none. The sources are asked in turn, and the first that has some decides: the helpers that `registries.conf` names,
 * among them the credential files. Of these, only the one that the caller names, or `REGISTRY_AUTH_FILE` or
 * `DOCKER_CONFIG`; else podman's and Docker's own, in the order of the real tools.
 *
 * @param helpers `credential-helpers` of `registries.conf`; default: the files alone.
 * @throws {TypeError} Where two files are named.
 * @throws {ManifestsError} With code `CONFIG_FILE_INVALID`, `CONFIG_FILE_UNREADABLE` or `CREDENTIAL_HELPER_FAILED`, where
 * a source does not work and no other has credentials.
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
    throw new TypeError("authFilePath and dockerCompatAuthFilePath cannot be set simultaneously");
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
    // Files that nobody named are read where that is allowed; without, a registry is met as a stranger.
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
