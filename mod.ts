/**
 * Multi-architecture container manifest lists and OCI image indexes: create, edit, store, push.
 *
 * The same local store as podman and buildah, any registry of the OCI distribution specification.
 *
 * @module
 */
export { create, editList, hostPlatform, List, loadFromImage, openStore, parseImageName } from "./src/system/local/mod.ts";
export type { OpenStoreOptions } from "./src/system/local/mod.ts";
export { lockerForImage } from "./src/list/mod.ts";
export type {
  AddArtifactOptions,
  AddOptions,
  ArtifactFile,
  EditableIndex,
  EditListOptions,
  HostFiles,
  ImageListSelection,
  ListHost,
  ListSelection,
  LoadedList,
  LookupReferenceFunc,
  NewInstance,
  PushOptions,
  PushResult,
  SaveToImageOptions,
} from "./src/list/mod.ts";
export type { BlobOutcome, CopyEvent, CopyResult } from "./src/copy/mod.ts";
export type {
  BlobOrigin,
  DestinationAbilities,
  ImageDestination,
  ImageReference,
  ImageSource,
  InstanceOptions,
  ManifestBytes,
  SystemContext,
  Transport,
  TransportTable,
} from "./src/image/mod.ts";
export { createMemoryStore, findLocalImage } from "./src/store/mod.ts";
export type {
  BigData,
  CreateImageOptions,
  ImageStore,
  ImageWithData,
  LocalImage,
  Locker,
  NamesOperation,
  StoredImage,
  WriteBigDataOptions,
} from "./src/store/mod.ts";
export {
  DigestMismatchError,
  ERROR_CODES,
  isManifestsError,
  ListImageUnknownError,
  ManifestsError,
  ManifestsSyntaxError,
  MEDIA_TYPES,
  NamedReference,
  parseDigest,
  parseReference,
} from "./src/spec/mod.ts";
export type {
  Credentials,
  Descriptor,
  Digest,
  DockerList,
  DockerListEntry,
  DockerPlatform,
  ErrorCode,
  OciIndex,
  Platform,
} from "./src/spec/mod.ts";
