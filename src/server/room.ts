/**
 * A registry of the OCI distribution specification as one fetch handler, over a pluggable storage.
 *
 * @module
 */
export type { AccessOptions } from "./access.ts";
export { parseHtpasswd, type PasswordCheck } from "./htpasswd.ts";
export { createMemoryStorage } from "./memory_storage.ts";
export { createRegistry, type Registry, type RegistryOptions } from "./registry.ts";
