/**
 * Moving images: a plan, then its execution.
 *
 * @module
 */
export { copyImage, type CopyOptions, type CopyResult } from "./copy.ts";
export type { BlobOutcome, CopyEvent } from "./events.ts";
export type { SignaturePolicy } from "../signature/mod.ts";
export type { Selection } from "./plan.ts";
