/**
 * The wiring of a host with a disk: what `mod.ts` exports.
 *
 * @module
 */
export type { SystemContext } from "../../image/room.ts";
export { create, editList, List, loadFromImage, parseImageName } from "./list.ts";
export { convertToList, type ConvertToListOptions } from "./convert_to_list.ts";
export { parseLocalReference } from "./local_reference.ts";
export { createStoredList } from "./create_stored_list.ts";
export { fetchManifest } from "./fetch_manifest.ts";
export type { FetchManifestOptions } from "../../actions/room.ts";
export { resolveShortName } from "./short_names.ts";
export { LOCAL_RUNTIME } from "./runtime.ts";
export { lockerForImage } from "../../list/room.ts";
export { loadPolicy, loadSignaturePolicy } from "./policy.ts";
export { verify, type VerifyImageOptions } from "./verify.ts";
export type { ReferenceVerdict, VerifyReferenceOptions } from "../../actions/room.ts";
export { copyImage, type CopyImageOptions, outlineImageCopy } from "./copy_image.ts";
export { deleteImage, deleteImageOrName, type DeleteRemoteImageOptions } from "./delete_image.ts";
export { parseDigestFile, readDigestFolder } from "./digest_folder.ts";
export { editRemoteList } from "./edit_remote_list.ts";
export type { EditRemoteListOptions } from "../../actions/room.ts";
export { eraseAllLogins, type Login, openLogin } from "./login.ts";
export { openRepository } from "./list_tags.ts";
export { readList } from "./read_list.ts";
export type { ReadList, ReadListOptions } from "../../actions/room.ts";
export { tagImage } from "./tag_image.ts";
export type { TagImageOptions } from "../../actions/room.ts";
export { validateImage } from "./validate_image.ts";
export type { ImageProblem, ImageValidation, ValidateImageOptions } from "../../actions/room.ts";
export { describeImage } from "./describe_image.ts";
export type { DescribedImage, DescribedInstance, DescribedLayer, DescribeImageOptions } from "../../actions/room.ts";
export { findDigest } from "./find_digest.ts";
export { findInstance, type FindInstanceOptions } from "./find_instance.ts";
export { findSource, type FindSourceOptions, type FoundSource, hasTransport, locateInStore } from "./find_source.ts";
export { hostPlatform } from "./platform.ts";
export type { LockingMode } from "../../store/containers_storage/room.ts";
export { openStore, type OpenStoreOptions } from "./store.ts";
