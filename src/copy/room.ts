/**
 * Copies of images: read the source, plan, run the plan.
 *
 * @module
 */
export { copyImageWith, type CopyResult, outlineCopyWith } from "./copy.ts";
export { type CopyOptions, limitCredentials } from "./copy_options.ts";
export type { TransferOptions } from "./transfer_options.ts";
export type { BlobFate, CopyOutline, OutlinedBlob, OutlinedImage } from "./outline.ts";
export type { BlobOutcome, CopyEvent } from "./events.ts";
export type { SignaturePolicy } from "../signature/room.ts";
export type { BlobFacts, KnownCompression, KnownLocation } from "./blob_info/facts.ts";
export { createMemoryFacts } from "./blob_info/memory_facts.ts";
export { type BlobCandidate, BlobInfoCache, createBlobInfoCache } from "./blob_info_cache.ts";
export { hasZstd } from "./run.ts";
export type { Selection } from "./select.ts";
