/**
 * The part that needs nothing but `fetch`: lists that are made, filled from registries and pushed, without a disk.
 *
 * @module
 */
export { BaseList } from "../../list/mod.ts";
export { create, List } from "./list.ts";
export { isManifestsError, ManifestsError, MEDIA_TYPES } from "../../spec/mod.ts";
export type { Descriptor, Digest, Platform } from "../../spec/mod.ts";
export type {
  AddOptions,
  BlobOutcome,
  CopyEvent,
  ImageReference,
  PushOptions,
  PushResult,
  SystemContext,
} from "./types.ts";
