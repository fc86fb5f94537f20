/** Release files: the indexes of a product and their tags in one file. Plan, lock, apply. */
export { parseReleaseFile, type ParseReleaseFileOptions } from "./parse_release_file.ts";
export {
  EMPTY_LOCK,
  findLocked,
  formatReleaseLock,
  type LockedRelease,
  parseReleaseLock,
  type ReleaseLock,
  withLocked,
} from "./lock.ts";
export { applyFile, type ApplyOptions, assertApplicable } from "./apply.ts";
export type { LockStore, OpenedSigners, ReleaseCallOptions, ReleaseHost } from "./host.ts";
export { hasChanges } from "./plan.ts";
export { lockFile, planFile, type PlanFileOptions } from "./plan_file.ts";
export type { PlannedEntry, PlannedRelease, PlannedTag, PlanSummary, ReleasePlan, TagAction } from "./plan_types.ts";
export type { PublishOptions, TransferChoices } from "./publish_release.ts";
export { createReleaseSchema } from "./schema.ts";
export type {
  DigestFolder,
  Release,
  ReleaseFile,
  ReleaseProvenance,
  ReleaseSigner,
  ReleaseSource,
  SecretPlace,
} from "./types.ts";
export { parseSpecFile, type SpecFile } from "./spec_file.ts";
export { expandTemplate, type TemplateStyle } from "./template.ts";
