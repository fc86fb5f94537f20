/**
 * The part that needs nothing but `fetch`: lists that are made, filled from registries and pushed, without a disk.
 *
 * @module
 */
export { BaseList } from "../../list/mod.ts";
export { composeIndex, type ComposeIndexOptions } from "./compose_index.ts";
export {
  annotateIndex,
  appendToIndex,
  type EditIndexOptions,
  type IndexChange,
  removeFromIndex,
} from "./edit_index.ts";
export { copyIndex, type CopyIndexOptions, inspectIndex, retag, validateIndex } from "./images.ts";
export { create, List } from "./list.ts";
export type {
  DescribedImage,
  DescribedInstance,
  DescribedLayer,
  DescribeImageOptions,
} from "../common/describe_image.ts";
export type { EditRemoteListOptions } from "../common/edit_remote_list.ts";
export type { TagImageOptions } from "../common/tag_image.ts";
export type { ImageProblem, ImageValidation, ValidateImageOptions } from "../common/validate_image.ts";
export { isManifestsError, ManifestsError, MEDIA_TYPES } from "../../spec/mod.ts";
export type { Descriptor, Digest, Platform, RegistryWarning } from "../../spec/mod.ts";
export type {
  AddOptions,
  BlobOutcome,
  CopyEvent,
  ImageReference,
  PushOptions,
  PushResult,
  SystemContext,
} from "./types.ts";
