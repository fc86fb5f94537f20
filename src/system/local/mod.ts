/**
 * The wiring of a host with a disk: what `mod.ts` exports.
 *
 * @module
 */
export type { SystemContext } from "../../image/mod.ts";
export {
  create,
  editList,
  fetchManifest,
  type FetchManifestOptions,
  List,
  loadFromImage,
  parseImageName,
} from "./list.ts";
export { resolveShortName } from "./short_names.ts";
export { lockerForImage } from "../../list/mod.ts";
export { loadPolicy } from "./policy.ts";
export { verify, type VerifyImageOptions } from "./verify.ts";
export type { ReferenceVerdict, VerifyReferenceOptions } from "../verify.ts";
export { copyImage, type CopyImageOptions, outlineImageCopy } from "./copy_image.ts";
export { deleteImage, type DeleteRemoteImageOptions } from "./delete_image.ts";
export { editRemoteList, type EditRemoteListOptions } from "./edit_remote_list.ts";
export { type ReadList, readList, type ReadListOptions } from "./read_list.ts";
export { tagImage, type TagImageOptions } from "./tag_image.ts";
export { type ImageProblem, type ImageValidation, validateImage, type ValidateImageOptions } from "./validate_image.ts";
export {
  type DescribedImage,
  type DescribedInstance,
  type DescribedLayer,
  describeImage,
  type DescribeImageOptions,
} from "./describe_image.ts";
export { findInstance, type FindInstanceOptions } from "./find_instance.ts";
export { findSource, type FindSourceOptions, type FoundSource, hasTransport } from "./find_source.ts";
export { hostPlatform } from "./platform.ts";
export type { LockingMode } from "../../store/containers_storage/mod.ts";
export { openStore, type OpenStoreOptions } from "./store.ts";
