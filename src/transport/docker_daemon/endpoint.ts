/** Address of a Docker daemon, with everything that a connection requires. */
export interface DaemonEndpoint {
  /** Address as it was configured, such as `unix:///var/run/docker.sock`. */
  readonly host: string;
  /** The setting that it comes from, such as `from DOCKER_HOST`, for messages. */
  readonly origin: string;
  /** Path of the daemon's socket; `undefined` if it is reached over the network. */
  readonly socket?: string | undefined;
  /** URL of the daemon, without a path. For a socket, the host is only a placeholder. */
  readonly url: string;
  /** PEM texts for TLS: authorities to trust in addition to the system's, and the client's certificate with its key. */
  readonly tls?: {
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
  } | undefined;
}
