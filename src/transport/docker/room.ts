/**
 * Images in registries: `docker://`.
 *
 * @module
 */
export type { RegistryLookups } from "./lookups.ts";
export type { LookasideFiles } from "./signatures/mod.ts";
export { listNamespaces } from "./namespaces.ts";
export { createDockerTransport, DockerReference } from "./reference.ts";
