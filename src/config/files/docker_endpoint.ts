import { join } from "@std/path";
import { encodeHex, encodeUtf8 } from "../../internal/room.ts";
import { ManifestsError, ManifestsSyntaxError } from "../../spec/room.ts";
import { ConfigFileError } from "../config_file_error.ts";
import { decodeConfigFile } from "../decode.ts";
import { parseCurrentContext, parseDockerContext } from "../docker_context.ts";
import { readEnv, readOptional, readRequired } from "./host.ts";

/** Where Docker listens unless something else is configured. */
const DEFAULT_HOST = "unix:///var/run/docker.sock";

/** PEM texts for TLS with a Docker daemon. */
export interface DockerTls {
  /** Authority to trust in addition to the system's; `undefined`: none. */
  readonly ca?: string | undefined;
  /** Certificate of the client; `undefined`: none. */
  readonly cert?: string | undefined;
  /** Private key of the certificate; `undefined`: none. */
  readonly key?: string | undefined;
}

/** Address of a Docker daemon, with everything that a connection requires. */
export interface DockerEndpoint {
  /** Address as it was configured, such as `unix:///var/run/docker.sock`. */
  readonly host: string;
  /** The setting that it comes from, such as `from DOCKER_HOST`, for messages. */
  readonly origin: string;
  /** Path of the daemon's socket; `undefined` if it is reached over the network. */
  readonly socket?: string | undefined;
  /** URL of the daemon, without a path. For a socket, the host is only a placeholder. */
  readonly url: string;
  /** Certificates for TLS. Default: those that the system trusts. */
  readonly tls?: DockerTls | undefined;
}

/** Options for {@linkcode findDockerEndpoint}. */
export interface DockerChoices {
  /** Address of the daemon. Default: see {@linkcode findDockerEndpoint}. */
  readonly dockerDaemonHost?: string | undefined;
  /** Folder with `ca.pem`, `cert.pem` and `key.pem`, for `dockerDaemonHost`. Default: no client certificate. */
  readonly dockerDaemonCertPath?: string | undefined;
}

/**
 * Finds the Docker daemon as Docker's own tools do: at `dockerDaemonHost`, else `DOCKER_HOST` with `DOCKER_CERT_PATH`, else
 * in the context that `DOCKER_CONTEXT` or `currentContext` of Docker's `config.json` names, else the default socket.
 * containers/image uses neither these variables nor contexts.
 *
 * @param readVariable Returns an environment variable. Default: that of this process.
 * @throws {ConfigFileError} If a file of Docker is malformed.
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE` for an address of an unknown kind.
 * @throws {ManifestsError} With code `CONFIG_FILE_UNREADABLE` if a file cannot be read.
 */
export async function findDockerEndpoint(
  choices: DockerChoices,
  readVariable: (name: string) => string | undefined = readEnv,
): Promise<DockerEndpoint> {
  const { dockerDaemonHost, dockerDaemonCertPath } = choices;
  // containers/image always uses TLS with tcp://; Docker's tools do if they are told to.
  if (dockerDaemonHost) {
    const tls = dockerDaemonCertPath ? await readTls(dockerDaemonCertPath) : {};
    return toEndpoint(dockerDaemonHost, "from the option for the daemon's host", tls);
  }
  const folder = readVariable("DOCKER_CONFIG") || join(readVariable("HOME") || "/root", ".docker");
  const host = readVariable("DOCKER_HOST");
  if (host) {
    const certPath = readVariable("DOCKER_CERT_PATH");
    const tls = certPath || readVariable("DOCKER_TLS_VERIFY") ? await readTls(certPath || folder) : undefined;
    return toEndpoint(host, "from DOCKER_HOST", tls);
  }
  const name = readVariable("DOCKER_CONTEXT") || await findCurrentContext(folder);
  if (!name || name === "default") return toEndpoint(DEFAULT_HOST, "the default", undefined);
  return await readContext(name, join(folder, "contexts"));
}

async function findCurrentContext(folder: string): Promise<string | undefined> {
  const path = join(folder, "config.json");
  const bytes = await readOptional(path);
  return bytes && parseCurrentContext(bytes, path);
}

/** Reads a context. Its files are in folders whose names are the SHA-256 hash of the context's name. */
async function readContext(name: string, contexts: string): Promise<DockerEndpoint> {
  const id = encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", encodeUtf8(name))));
  const path = join(contexts, "meta", id, "meta.json");
  const { host, skipTlsVerify } = parseDockerContext(await readRequired(path, `Docker's context ${quote(name)}`), path);
  if (skipTlsVerify) throw new ConfigFileError({ path, key: "SkipTLSVerify" }, "is true, which is not supported");
  const tls = await readTls(join(contexts, "tls", id, "docker"));
  const isEmpty = Object.values(tls).every((text) => text === undefined);
  return toEndpoint(host, `from Docker's context ${quote(name)}`, isEmpty ? undefined : tls);
}

async function readTls(folder: string): Promise<DockerTls> {
  const read = async (name: string) => {
    const path = join(folder, name);
    const bytes = await readOptional(path);
    return bytes && decodeConfigFile(bytes, path);
  };
  const [ca, cert, key] = await Promise.all([read("ca.pem"), read("cert.pem"), read("key.pem")]);
  if ((cert === undefined) === (key === undefined)) return { ca, cert, key };
  const missing = join(folder, cert === undefined ? "cert.pem" : "key.pem");
  throw new ManifestsError("CONFIG_FILE_UNREADABLE", `Cannot connect to the Docker daemon: ${missing} is missing`);
}

/** @param tls Certificates, if the daemon is reached with TLS. `undefined`: `tcp://` is plain HTTP. */
function toEndpoint(host: string, origin: string, tls: DockerTls | undefined): DockerEndpoint {
  const [, scheme, rest] = /^([a-z]+):\/\/(.+)$/s.exec(host) ?? [];
  if (scheme === "unix") return { host, origin, socket: rest, url: "http://docker" };
  const isSecure = scheme === "https" || (scheme === "tcp" && tls !== undefined);
  // As in Docker's tools; without it, the ports of HTTP would be used.
  const port = scheme !== "tcp" || /:\d+\/?$/.test(rest!) ? "" : isSecure ? ":2376" : ":2375";
  const url = scheme === "tcp" || scheme === "http" || scheme === "https"
    ? URL.parse(`${isSecure ? "https" : "http"}://${rest}${port}`)
    : null;
  if (url?.hostname) return { host, origin, url: url.origin, tls: url.protocol === "https:" ? tls : undefined };
  throw new ManifestsSyntaxError(
    "INVALID_REFERENCE",
    `Cannot connect to the Docker daemon at ${quote(host)} (${origin}): ${
      scheme === "ssh"
        ? "ssh:// is not supported: forward the socket with `ssh -nNT -L /PATH:/var/run/docker.sock HOST`, and use unix:///PATH"
        : "write unix:///PATH, tcp://HOST:PORT or http(s)://HOST:PORT"
    }`,
  );
}

function quote(text: string): string {
  return JSON.stringify(text);
}
