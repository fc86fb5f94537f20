export type { BlobOutcome, CopyEvent, TransferOptions } from "../../copy/room.ts";
export type { ImageReference, SystemContext } from "../../image/room.ts";
export type { AddOptions, LabelOptions, PlatformMismatch, PushOptions, PushResult } from "../../list/room.ts";
