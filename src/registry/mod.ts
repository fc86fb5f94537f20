/**
 * A client for the OCI distribution specification, over `fetch` alone.
 *
 * @module
 */
export { RegistryClient } from "./client.ts";
export type { RegistryClientOptions } from "./client_options.ts";
export type { Timeouts } from "./http_types.ts";
export { type Diagnostic, RegistryError } from "./errors.ts";
export type { HeadBlobOptions, MountResult, PutBlobOptions } from "./blobs.ts";
export type { FetchedManifest } from "./manifests.ts";
export type { ListOptions } from "./pages.ts";
export type { PutManifestOptions } from "./put_manifest.ts";
export type { ListReferrersOptions } from "./referrers.ts";
export type { DeleteTagOptions, Repository } from "./repository.ts";
export type { Upload } from "./upload_session.ts";
export type { RegistryWarning, RetryEvent } from "../spec/room.ts";
