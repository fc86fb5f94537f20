/**
 * Images in archives of the form of `docker save`: `docker-archive:`.
 *
 * @module
 */
export { createDockerArchiveTransport, DockerArchiveReference } from "./reference.ts";
