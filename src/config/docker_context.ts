import { parseJsonFile } from "./document/mod.ts";

/** Reads the name of the current context from Docker's `config.json`; `undefined` if there is none. */
export function parseCurrentContext(bytes: Uint8Array, path: string): string | undefined {
  return parseJsonFile(bytes, path).nonEmptyText("currentContext");
}

/** The daemon that a context of Docker names. */
export interface DockerContext {
  /** Address of the daemon, such as `tcp://build.example:2376`. */
  readonly host: string;
  /** The client must not verify the daemon's certificate. */
  readonly skipTlsVerify: boolean;
}

/**
 * Reads the `meta.json` of a Docker context.
 *
 * @throws {ConfigFileError} If the file is not JSON, or has no address of a daemon.
 */
export function parseDockerContext(bytes: Uint8Array, path: string): DockerContext {
  const endpoint = parseJsonFile(bytes, path).table("Endpoints").table("docker");
  const host = endpoint.nonEmptyText("Host") ?? endpoint.fail("Host", "is missing");
  return { host, skipTlsVerify: endpoint.boolean("SkipTLSVerify") ?? false };
}
