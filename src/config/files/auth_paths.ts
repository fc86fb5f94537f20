import { join } from "@std/path";
import { ManifestsError } from "../../spec/room.ts";
import type { ParseAuthFileOptions } from "../auth_file.ts";
import { type ConfigurationChoices, implicitPath } from "./choices.ts";
import { currentUid, findHome, findUid, readEnv } from "./host.ts";

/** A credential file to search. */
export interface AuthPath extends ParseAuthFileOptions {
  /** Path of the file, which may not exist. */
  readonly path: string;
}

/** The credential file that is changed. */
export interface WritableAuthPath {
  /** Path of the file, which may not exist. */
  readonly path: string;
  /** Whether the file is Docker's `config.json`, in which keys are registries only. */
  readonly isDocker: boolean;
}

/**
 * Returns the only file to read, if the caller or `REGISTRY_AUTH_FILE` names one.
 *
 * @throws {TypeError} If both `authFilePath` and `dockerCompatAuthFilePath` are set.
 */
export function namedFile(choices: ConfigurationChoices): AuthPath | undefined {
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

/** Returns the files that are searched if none is named, in the order of podman. */
export function defaultFiles(choices: ConfigurationChoices): AuthPath[] {
  const dockerConfig = readEnv("DOCKER_CONFIG");
  if (dockerConfig) return [{ path: join(dockerConfig, "config.json") }];
  const home = findHome();
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

/**
 * Returns the file to which credentials are written: the named one, or else Docker's in `DOCKER_CONFIG`, or else podman's.
 *
 * @throws {TypeError} If the choices contradict each other, or name a file of the format of `.dockercfg`.
 * @throws {ManifestsError} With code `CONFIG_FILE_UNREADABLE` if no location is known.
 */
export function writableFile(choices: ConfigurationChoices): WritableAuthPath {
  const named = namedFile(choices);
  if (named?.legacy) throw new TypeError("Cannot save credentials in the format of .dockercfg: use authFilePath");
  if (named) return { path: named.path, isDocker: named.path === choices.dockerCompatAuthFilePath };
  const dockerConfig = readEnv("DOCKER_CONFIG");
  if (dockerConfig) return { path: join(dockerConfig, "config.json"), isDocker: true };
  return { path: podmanFile(choices), isDocker: false };
}

/** Returns the file that podman writes by default: it disappears with the session on Linux, and stays elsewhere. */
function podmanFile(choices: ConfigurationChoices): string {
  if (Deno.build.os === "linux") {
    const runtime = readEnv("XDG_RUNTIME_DIR");
    if (!runtime) return implicitPath(`/run/containers/${currentUid()}/auth.json`, choices);
    if (isFolder(runtime)) return join(runtime, "containers/auth.json");
    fail(`XDG_RUNTIME_DIR is ${JSON.stringify(runtime)}, which is not a folder`);
  }
  const home = findHome() || readEnv("USERPROFILE");
  return home ? join(home, ".config/containers/auth.json") : fail("HOME is not set");
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function fail(problem: string): never {
  throw new ManifestsError(
    "CONFIG_FILE_UNREADABLE",
    `Cannot choose a credential file: ${problem}: name a file with --authfile or REGISTRY_AUTH_FILE`,
  );
}
