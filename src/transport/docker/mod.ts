/**
 * Images in registries: `docker://`.
 *
 * @module
 */
export type { DockerTransportOptions } from "./acquire.ts";
export type { RegistryLookups, RegistryPlace } from "./lookups.ts";
export { namespacesOf } from "./namespaces.ts";
export { createDockerTransport, DockerReference } from "./reference.ts";
