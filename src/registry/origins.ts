import { findUrl } from "../internal/room.ts";
import { ManifestsSyntaxError } from "../spec/room.ts";

/** Base URLs of a registry. */
export interface RegistryOrigins {
  /** Base URL over https, as in `https://quay.io`. */
  readonly https: string;
  /** Base URL over plain HTTP, which a client uses only if that is allowed. */
  readonly http: string;
}

/**
 * Returns the base URLs of a registry. Those of Docker Hub are not on `docker.io`, but on `registry-1.docker.io`.
 *
 * @param host The registry as in a reference: `quay.io` or `localhost:5000`.
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE` if `host` is not a host, or its port is above 65535.
 */
export function registryOrigins(host: string): RegistryOrigins {
  const address = host === "docker.io" ? "registry-1.docker.io" : host;
  const [https, http] = [findUrl(`https://${address}`), findUrl(`http://${address}`)];
  if (https && http) return { https: https.origin, http: http.origin };
  const port = /:(\d+)$/.exec(host)?.[1];
  const reason = Number(port) > 65535 ? `port ${port} is above 65535` : "it is not a host name with an optional port";
  throw new ManifestsSyntaxError("INVALID_REFERENCE", `Cannot use the registry ${JSON.stringify(host)}: ${reason}`);
}
