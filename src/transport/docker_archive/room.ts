/**
 * Images in archives in the format of `docker save`: `docker-archive:`.
 *
 * @module
 */
export { createDockerArchiveTransport } from "./reference.ts";
