/**
 * Images in registries: `docker://`.
 *
 * @module
 */
export type { DockerTransportOptions } from "./acquire.ts";
export type { RegistryLookups, RegistryPlace } from "./lookups.ts";
export type { LookasideFiles, SignatureStorage } from "./signatures/mod.ts";
export { listNamespaces } from "./namespaces.ts";
export { createDockerTransport, DockerReference } from "./reference.ts";
