export type { BlobOutcome, CopyEvent } from "../../copy/room.ts";
export type { ImageReference, SystemContext } from "../../image/room.ts";
export type {
  AddOptions,
  LabelOptions,
  PlatformMismatch,
  PushOptions,
  PushResult,
  TransferOptions,
} from "../../list/room.ts";
