/** Where a registry answers. */
export interface RegistryOrigins {
  /** Over https, as in `https://quay.io`. */
  readonly https: string;
  /** Over plain HTTP, which a client must be allowed to use. */
  readonly http: string;
}

/**
 * Where the registry of a reference answers: Docker Hub elsewhere than its name says.
 *
 * @param host As in `quay.io` or `localhost:5000`.
 * @throws {TypeError} Where it is no host.
 */
export function registryOrigins(host: string): RegistryOrigins {
  const address = host === "docker.io" ? "registry-1.docker.io" : host;
  return { https: new URL(`https://${address}`).origin, http: new URL(`http://${address}`).origin };
}
