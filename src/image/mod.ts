/**
 * Interfaces of places that images are read from and written to, for custom places.
 *
 * @module
 */
export type { ByteStream, CallOptions, Fetch, SignalOptions } from "../internal/room.ts";
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
