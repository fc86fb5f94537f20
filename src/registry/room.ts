/**
 * A client for the OCI distribution specification, over `fetch` alone.
 *
 * @module
 */
export type { ByteStream, CallOptions, Fetch } from "../internal/room.ts";
export { isBlockedPort } from "./blocked_ports.ts";
export { type Challenge, parseChallenges } from "./challenge.ts";
export { RegistryClient } from "./client.ts";
export type { RegistryClientOptions } from "./client_options.ts";
export type { Timeouts } from "./http_types.ts";
export { type Diagnostic, RegistryError, withoutAnswers } from "./errors.ts";
export { type RegistryOrigins, registryOrigins } from "./origins.ts";
export { type ClientKey, type ClientLease, type FetchHandle, RegistryPool, type TlsIdentity } from "./pool.ts";
export type { GetBlobOptions, HeadBlobOptions, MountResult, PutBlobOptions } from "./blobs.ts";
export { isTransientError } from "./failures.ts";
export { lazyFetch } from "./lazy_fetch.ts";
export type { FetchedManifest } from "./manifests.ts";
export type { ListOptions } from "./pages.ts";
export type { PutManifestOptions, ReplaceManifestOptions } from "./put_manifest.ts";
export type { ListReferrersOptions } from "./referrers.ts";
export type { DeleteTagOptions, Repository } from "./repository.ts";
export { getUnverifiedBlob, putVerifiedBlob, replaceTaggedManifest } from "./unpublished.ts";
export type { OutgoingBlob } from "./upload.ts";
export type { Upload } from "./upload_session.ts";
export type { SeenTag } from "./write_tag.ts";
export type { RegistryWarning, RetryEvent } from "../spec/room.ts";
