/**
 * The list: the reason the module exists.
 *
 * @module
 */
export { type AddOptions, findInstances, type FoundImage, type FoundInstance, type PlatformMismatch } from "./add.ts";
export type { AddArtifactOptions, ArtifactConfig } from "./add_artifact.ts";
export type { NewInstance } from "./new_instance.ts";
export type { LabelOptions } from "./label.ts";
export type { List, SaveToImageOptions } from "./types.ts";
export type { ArtifactFile, HostFiles, ListHost, SigningKeys } from "./host.ts";
export { type CreateStoredListOptions, createStoredListWith, matchListType } from "./create_stored_list.ts";
export { deleteUnchangedList } from "./delete_list.ts";
export { OfflineList } from "./offline_list.ts";
export { BaseList } from "./list.ts";
export {
  type EditCallback,
  type EditListOptions,
  editStoredList,
  type LoadedList,
  loadList,
  lockerForImage,
} from "./load.ts";
export {
  type ListPush,
  type LookupReferenceFunc,
  openSigners,
  pushList,
  type PushOptions,
  type PushResult,
} from "./push.ts";
export type { ImageListSelection, ListSelection } from "./reference.ts";
export { wantedPlatform } from "./choose_entries.ts";
export { describePlatforms } from "./describe_platforms.ts";
export { diffIndexes, type InstanceDifference, type ListDifference } from "./diff.ts";
export { listStoredLists, type StoredList } from "./stored_lists.ts";
