/**
 * Multi-architecture container manifest lists and OCI image indexes: create, edit, store, push.
 *
 * The same local store as podman and buildah, any registry of the OCI distribution specification.
 *
 * @module
 */
export {
  create,
  describeImage,
  editList,
  fetchManifest,
  findInstance,
  findSource,
  hostPlatform,
  List,
  loadFromImage,
  openStore,
  parseImageName,
} from "./src/system/local/mod.ts";
export type {
  DescribedImage,
  DescribedInstance,
  DescribedLayer,
  DescribeImageOptions,
  FetchManifestOptions,
  FindInstanceOptions,
  FindSourceOptions,
  FoundSource,
  LockingMode,
  OpenStoreOptions,
} from "./src/system/local/mod.ts";
export { BaseList, lockerForImage } from "./src/list/mod.ts";
export type {
  AddArtifactOptions,
  AddOptions,
  ArtifactFile,
  Artifacts,
  EditableIndex,
  EditCallback,
  EditListOptions,
  HostFiles,
  ImageListSelection,
  ItemDigests,
  ListHost,
  ListRecords,
  ListSelection,
  LoadedList,
  LookupReferenceFunc,
  NewInstance,
  Original,
  PushOptions,
  PushResult,
  SaveToImageOptions,
} from "./src/list/mod.ts";
export type {
  BlobCandidate,
  BlobFacts,
  BlobFate,
  BlobInfoCache,
  BlobOutcome,
  CandidateOptions,
  CopyEvent,
  CopyOutline,
  CopyResult,
  KnownCompression,
  KnownLocation,
  LayerForm,
  OutlinedBlob,
  OutlinedImage,
  Selection,
} from "./src/copy/mod.ts";
export type {
  BlobIdentity,
  BlobOrigin,
  ByteStream,
  CallOptions,
  DestinationAbilities,
  Fetch,
  ImageDestination,
  ImageReference,
  ImageSource,
  InstanceOptions,
  LayerCompressionWish,
  ManifestBytes,
  NewBlob,
  SignalOptions,
  SystemContext,
  Transport,
  TransportTable,
} from "./src/image/mod.ts";
export { createMemoryStore, findLocalImage } from "./src/store/mod.ts";
export type {
  BigData,
  CreateImageOptions,
  DeleteImageOptions,
  ImageStore,
  ImageWithData,
  LayerStore,
  LocalImage,
  Locker,
  NamesOperation,
  StoredImage,
  StoredLayer,
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
  ParsedImage,
  ParsedIndex,
  ParsedManifest,
  Platform,
} from "./src/spec/mod.ts";
export type { PolicyDecision, SignaturePolicy } from "./src/signature/mod.ts";
