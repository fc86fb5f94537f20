/**
 * A registry of the OCI distribution specification as one fetch handler, over a pluggable storage.
 *
 * @module
 */
export type { ByteStream } from "../internal/room.ts";
export type { AccessOptions } from "./access.ts";
export { createMemoryStorage } from "./memory_storage.ts";
export { createRegistry, type Registry, type RegistryOptions } from "./registry.ts";
export type { ByteRange, KeptManifest, RegistryStorage, StoredUpload } from "./storage.ts";
