/**
 * The part that needs nothing but `fetch`: lists that are made, filled from registries and pushed, without a disk.
 *
 * @module
 */
export { verifyAttestations } from "./attestations.ts";
export type { AttestationsVerdict, AttestationVerdict, VerifyAttestationsOptions } from "../../actions/room.ts";
export type { AssemblyBuilder } from "../../signature/room.ts";
export { composeIndex } from "./compose_index.ts";
export type {
  ComposeIndexOptions,
  ComposeResult,
  ComposeSource,
  EntryAnnotations,
  ProvenanceOptions,
  PublishedName,
  SourceOptions,
} from "../../actions/room.ts";
export {
  annotateIndex,
  appendToIndex,
  type EditIndexOptions,
  type IndexChange,
  removeFromIndex,
} from "./edit_index.ts";
export { copyIndex, type CopyIndexOptions, inspectIndex, retag, validateIndex } from "./images.ts";
export { create, List } from "./list.ts";
export type { List as ManifestList, ListSelection, NewInstance, SaveToImageOptions } from "../../list/room.ts";
export type { DescribedImage, DescribedInstance, DescribedLayer, DescribeImageOptions } from "../../actions/room.ts";
export type { EditRemoteListOptions } from "../../actions/room.ts";
export type { TagImageOptions } from "../../actions/room.ts";
export type { ImageProblem, ImageValidation, ValidateImageOptions } from "../../actions/room.ts";
export { isManifestsError, ManifestsError, MEDIA_TYPES } from "../../spec/room.ts";
export type { Descriptor, Digest, Platform, RegistryWarning, RetryEvent } from "../../spec/room.ts";
export type {
  AddOptions,
  BlobOutcome,
  CopyEvent,
  ImageReference,
  LabelOptions,
  PlatformMismatch,
  PushOptions,
  PushResult,
  SystemContext,
  TransferOptions,
} from "./types.ts";
