export type { BlobOutcome, CopyEvent } from "../../copy/mod.ts";
export type { ImageReference, SystemContext } from "../../image/mod.ts";
export type { AddOptions, PushOptions, PushResult } from "../../list/mod.ts";
