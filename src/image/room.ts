/**
 * Interfaces of image references, sources and destinations, and verified reads.
 *
 * @module
 */
export type { CallOptions, Fetch } from "../internal/room.ts";
export type { ReferrersMode, SystemContext } from "./system_context.ts";
export type {
  BlobIdentity,
  BlobOrigin,
  DestinationAbilities,
  FindManifestOptions,
  ImageDestination,
  ImageReference,
  ImageSource,
  InstanceOptions,
  InstancePlace,
  LayerCompressionMode,
  ManifestBytes,
  NewBlob,
  OpenDestinationOptions,
  ReferrersOptions,
  SignedManifest,
  StoredManifest,
  Transport,
  TransportTable,
  WriteManifestOptions,
} from "./types.ts";
export { readImageConfig } from "./config.ts";
export { findSourceBlob } from "./find_blob.ts";
export { createPolicyDecision } from "./policy_decision.ts";
export { MAX_INDEX_DEPTH, readManifest, type VerifiedManifest } from "./verified.ts";
export { withManifest } from "./with_manifest.ts";
