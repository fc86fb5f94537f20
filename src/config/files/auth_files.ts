import { join } from "@std/path";
import type { Credentials } from "../../spec/mod.ts";
import { findCredentials, parseAuthFile } from "../auth_file.ts";
import { findUid, mayRead, readEnv, readOptional, readRequired } from "./host.ts";

/**
 * The credentials that the user's files hold for a repository, `host/path`. One file where one is named, by the
 * caller, by `REGISTRY_AUTH_FILE` or by `DOCKER_CONFIG`; else podman's and Docker's own, in the order of the real
 * tools. The first file that has some decides.
 */
export async function loadCredentials(name: string, authFilePath?: string): Promise<Credentials | undefined> {
  const explicit = authFilePath ?? readEnv("REGISTRY_AUTH_FILE");
  if (explicit) return findCredentials(parseAuthFile(await readRequired(explicit, "credential file"), explicit), name);
  for (const path of defaultPaths()) {
    // Files that nobody named are read where that is allowed; without, a registry is met as a stranger.
    if (!mayRead(path)) continue;
    const bytes = await readOptional(path);
    const found = bytes && findCredentials(parseAuthFile(bytes, path), name);
    if (found) return found;
  }
  return undefined;
}

function defaultPaths(): string[] {
  const dockerConfig = readEnv("DOCKER_CONFIG");
  if (dockerConfig) return [join(dockerConfig, "config.json")];
  const home = readEnv("HOME");
  const runtime = readEnv("XDG_RUNTIME_DIR");
  const uid = findUid();
  const config = readEnv("XDG_CONFIG_HOME") || (home && join(home, ".config"));
  return [
    ...(runtime ? [join(runtime, "containers/auth.json")] : []),
    ...(!runtime && uid !== undefined ? [`/run/containers/${uid}/auth.json`] : []),
    ...(config ? [join(config, "containers/auth.json")] : []),
    ...(home ? [join(home, ".docker/config.json")] : []),
  ];
}
