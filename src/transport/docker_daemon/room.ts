/**
 * The transport `docker-daemon:`, images in a Docker daemon. Bound to a host with a network and a disk.
 *
 * @module
 */
export { createDockerDaemonTransport } from "./reference.ts";
