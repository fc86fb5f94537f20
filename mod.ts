/**
 * Multi-architecture container manifest lists and OCI image indexes: create, edit, store, push.
 *
 * The same local store as podman and buildah, any registry of the OCI distribution specification.
 *
 * @module
 */
export {
  convertToList,
  copyImage,
  create,
  createStoredList,
  deleteImage,
  describeImage,
  editList,
  editRemoteList,
  fetchManifest,
  findInstance,
  findSource,
  hostPlatform,
  List,
  loadFromImage,
  loadPolicy,
  loadSignaturePolicy,
  lockerForImage,
  openStore,
  outlineImageCopy,
  parseImageName,
  readList,
  resolveShortName,
  tagImage,
  validateImage,
  verify,
} from "./src/system/local/room.ts";
export type {
  ConvertToListOptions,
  CopyImageOptions,
  DeleteRemoteImageOptions,
  DescribedImage,
  DescribedInstance,
  DescribedLayer,
  DescribeImageOptions,
  EditRemoteListOptions,
  FetchManifestOptions,
  FindInstanceOptions,
  FindSourceOptions,
  FoundSource,
  ImageProblem,
  ImageValidation,
  LockingMode,
  OpenStoreOptions,
  ReadList,
  ReadListOptions,
  ReferenceVerdict,
  TagImageOptions,
  ValidateImageOptions,
  VerifyImageOptions,
  VerifyReferenceOptions,
} from "./src/system/local/room.ts";
export { diffIndexes, listStoredLists } from "./src/list/room.ts";
export type {
  AddArtifactOptions,
  AddOptions,
  ArtifactConfig,
  CreateStoredListOptions,
  EditCallback,
  EditListOptions,
  ImageListSelection,
  InstanceDifference,
  LabelOptions,
  List as ManifestList,
  ListDifference,
  ListSelection,
  LookupReferenceFunc,
  NewInstance,
  PlatformMismatch,
  PushOptions,
  PushResult,
  SaveToImageOptions,
  StoredList,
} from "./src/list/room.ts";
export type {
  BlobFate,
  BlobOutcome,
  CopyEvent,
  CopyOutline,
  CopyResult,
  OutlinedBlob,
  OutlinedImage,
  Selection,
  TransferOptions,
} from "./src/copy/room.ts";
export type {
  CallOptions,
  ImageDestination,
  ImageReference,
  ImageSource,
  OpenDestinationOptions,
  SystemContext,
} from "./src/image/mod.ts";
export { createMemoryStore, type ImageStore, type Locker } from "./src/store/mod.ts";
export { type Kv, openKvStore } from "./src/store/kv/mod.ts";
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
  ErrorCode,
  OciIndex,
  ParsedManifest,
  Platform,
} from "./src/spec/mod.ts";
export type { Policy, SignaturePolicy, Signer } from "./src/signature/mod.ts";
