/**
 * Images in registries: `docker://`.
 *
 * @module
 */
export { createDockerTransport, DockerReference } from "./reference.ts";
