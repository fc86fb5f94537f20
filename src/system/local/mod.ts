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
export { hostPlatform } from "./platform.ts";
export type { LockingMode } from "../../store/containers_storage/mod.ts";
export { openStore, type OpenStoreOptions } from "./store.ts";
