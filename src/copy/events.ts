import type { Signature } from "../signature/room.ts";
import type { Digest, RetryEvent } from "../spec/room.ts";
import type { OutlinedImage } from "./outline.ts";

/** How a blob got to the destination. */
export type BlobOutcome =
  /** The blob stays at its external URLs. */
  | "kept"
  /** The destination already had the blob, or the same content in another compression. */
  | "reused"
  /** The registry mounted the blob from another of its repositories. */
  | "mounted"
  /** The bytes of the blob were moved. */
  | "written";

/** A progress event of a copy. */
export type CopyEvent =
  | {
    /** The source was read and the copy is planned. */
    readonly type: "planned";
    /** Number of images that will be copied, including variants and referrers. */
    readonly instances: number;
    /** Number of different blobs of these images. */
    readonly blobs: number;
    /** Sum of the known sizes of these blobs, in bytes. */
    readonly bytes: number;
    /** The images, in the order of the list. */
    readonly images: readonly OutlinedImage[];
  }
  | {
    /** The transfer of a blob starts. */
    readonly type: "blob-started";
    /** Digest of the blob at the source. */
    readonly digest: Digest;
    /** Size of the blob at the source in bytes, or -1 if it is unknown. */
    readonly size: number;
  }
  | {
    /** Bytes of a blob were moved. */
    readonly type: "blob-progress";
    /** Digest of the blob at the source. */
    readonly digest: Digest;
    /** Number of bytes since the last event. */
    readonly bytes: number;
  }
  | {
    /** The destination has the blob. */
    readonly type: "blob-done";
    /** Digest of the blob at the source. */
    readonly digest: Digest;
    /** Size of the blob at the source in bytes, or -1 if it is unknown. */
    readonly size: number;
    /** How the blob got to the destination. */
    readonly outcome: BlobOutcome;
    /** Digest of the blob at the destination, which differs if it was recompressed. */
    readonly destination: Digest;
  }
  | {
    /** A manifest is being signed. */
    readonly type: "signing";
    /** Digest of the manifest at the destination. */
    readonly digest: Digest;
    /** Kind of the signature that is created. */
    readonly kind: Signature["kind"];
  }
  | {
    /** A manifest was written to the destination. */
    readonly type: "manifest-done";
    /** Digest of the manifest at the destination. */
    readonly digest: Digest;
    /** Digest of the image at the source; absent for an index. */
    readonly source?: Digest;
    /** Whether the destination's name now has this manifest, which is the last one of the copy. */
    readonly top: boolean;
  }
  | RetryEvent & {
    /** A step failed temporarily and will be retried. */
    readonly type: "retrying";
  };

/** Returns a function that passes events to a listener. An error of the listener does not fail the copy. */
export function createEmitter(listener: ((event: CopyEvent) => void) | undefined): (event: CopyEvent) => void {
  return (event) => ignoreFailure(() => listener?.(event));
}

/** Calls a caller's function and ignores its error: a broken progress bar or a closed pipe must not fail a push. */
export function ignoreFailure(call: () => unknown): void {
  try {
    Promise.resolve(call()).catch(() => {});
  } catch {
    // Ignored on purpose: see the comment of this function.
  }
}
