/**
 * A client for the OCI distribution specification, over `fetch` alone.
 *
 * @module
 */
export type { Fetch } from "../internal/room.ts";
export { isBlockedPort } from "./blocked_ports.ts";
export { parseChallenges } from "./challenge.ts";
export { RegistryClient } from "./client.ts";
export type { RegistryClientOptions } from "./client_options.ts";
export { RegistryError, withoutAnswers } from "./errors.ts";
export { registryOrigins } from "./origins.ts";
export { type ClientKey, type ClientLease, type FetchHandle, RegistryPool, type TlsIdentity } from "./pool.ts";
export type { PutBlobOptions } from "./blobs.ts";
export { isTransientError } from "./failures.ts";
export { lazyFetch } from "./lazy_fetch.ts";
export type { FetchedManifest } from "./manifests.ts";
export type { Repository } from "./repository.ts";
export { getBytes, isSizedStream } from "./sized_body.ts";
export {
  connectForWriting,
  getUnverifiedBlob,
  openBlobUpload,
  putVerifiedBlob,
  replaceTaggedManifest,
} from "./unpublished.ts";
export type { Upload } from "./upload_session.ts";
export type { RegistryWarning, RetryEvent } from "../spec/room.ts";
