import type { Signature } from "../signature/room.ts";
import type { Digest, RetryEvent } from "../spec/room.ts";
import type { OutlinedImage } from "./outline.ts";

/** How a blob came to be at the destination. */
export type BlobOutcome =
  /** It stays where its URLs say. */
  | "kept"
  /** It, or the same content in another form, was there. */
  | "reused"
  /** The registry took it from another of its repositories. */
  | "mounted"
  /** Its bytes were moved. */
  | "written";

/** What happens during a copy. */
export type CopyEvent =
  | {
    /** The plan is made. */
    readonly type: "planned";
    /** How many instances will be copied. */
    readonly instances: number;
    /** How many different blobs they have. */
    readonly blobs: number;
    /** How many bytes these have, where all sizes are known. */
    readonly bytes: number;
    /** The images, in the order of the list. */
    readonly images: readonly OutlinedImage[];
  }
  | {
    /** A blob's bytes begin to move. */
    readonly type: "blob-started";
    /** The blob. */
    readonly digest: Digest;
    /** Its size in bytes, or -1. */
    readonly size: number;
  }
  | {
    /** Bytes of a blob moved. */
    readonly type: "blob-progress";
    /** The blob. */
    readonly digest: Digest;
    /** How many, in this step. */
    readonly bytes: number;
  }
  | {
    /** A blob is at the destination. */
    readonly type: "blob-done";
    /** The blob. */
    readonly digest: Digest;
    /** Its size in bytes, or -1. */
    readonly size: number;
    /** How it came there. */
    readonly outcome: BlobOutcome;
    /** Its digest there: another one where it was compressed anew. */
    readonly destination: Digest;
  }
  | {
    /** A manifest is being signed. */
    readonly type: "signing";
    /** The manifest. */
    readonly digest: Digest;
    /** The kind of signature. */
    readonly kind: Signature["kind"];
  }
  | {
    /** A manifest is at the destination. */
    readonly type: "manifest-done";
    /** The manifest. */
    readonly digest: Digest;
    /** The image's digest at the source; absent for an index. */
    readonly source?: Digest;
    /** Whether it is the image's own, and so the last one. */
    readonly top: boolean;
  }
  | RetryEvent & {
    /** A step failed and will be tried again. */
    readonly type: "retrying";
  };

/** Passes events on; what a listener throws cannot fail the copy. */
export function createEmitter(listener: ((event: CopyEvent) => void) | undefined): (event: CopyEvent) => void {
  return (event) => ignoreFailure(() => listener?.(event));
}

/** Calls a caller's function. A progress bar that breaks, or a pipe that is closed, is not worth a push. */
export function ignoreFailure(call: () => unknown): void {
  try {
    Promise.resolve(call()).catch(() => {});
  } catch {
    // See above.
  }
}
