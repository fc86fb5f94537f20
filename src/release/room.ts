/** Release files: the indexes of a product and their tags in one file. Plan, lock, apply. */
export { parseReleaseFile } from "./parse_release_file.ts";
export { EMPTY_LOCK, findLocked, formatReleaseLock, parseReleaseLock, type ReleaseLock, withLocked } from "./lock.ts";
export { applyFile, type ApplyOptions, assertApplicable } from "./apply.ts";
export type { LockStore, ReleaseHost } from "./host.ts";
export { hasChanges } from "./plan.ts";
export { lockFile, planFile } from "./plan_file.ts";
export type { PlannedRelease, PlannedTag, PlanSummary, ReleasePlan, TagAction } from "./plan_types.ts";
export { createReleaseSchema } from "./schema.ts";
export type { ReleaseFile } from "./types.ts";
export { parseSpecFile, type SpecFile } from "./spec_file.ts";
export { expandTemplate, type TemplateStyle } from "./template.ts";
