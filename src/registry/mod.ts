/**
 * A client for the OCI distribution specification, over `fetch` alone.
 *
 * @module
 */
export { type Challenge, parseChallenges } from "./challenge.ts";
export { RegistryClient, type RegistryClientOptions } from "./client.ts";
export { type Diagnostic, RegistryError } from "./errors.ts";
export { type ClientKey, type ClientLease, type FetchHandle, RegistryPool } from "./pool.ts";
export { type FetchedManifest, type MountResult, type PutBlobOptions, Repository } from "./repository.ts";
export type { Upload } from "./upload.ts";
