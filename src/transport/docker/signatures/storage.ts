import type { ReferrersMode } from "../../../image/room.ts";
import type { CallOptions } from "../../../internal/room.ts";
import type { SimpleSignature } from "../../../signature/room.ts";
import type { Digest } from "../../../spec/room.ts";

/** A storage of the simple signatures of a repository's manifests. */
export interface SimpleSignatureStorage {
  /** True if signatures can be written, or the reason why they cannot. */
  readonly writable: true | string;
  /** Reads all signatures of a manifest. */
  read(digest: Digest, options?: CallOptions): Promise<SimpleSignature[]>;
  /** Writes signatures of a manifest. A lookaside replaces the existing ones; the registry extension adds to them. */
  write(digest: Digest, signatures: readonly SimpleSignature[], options?: CallOptions): Promise<void>;
}

/** Configured locations of the signatures of a repository's images. */
export interface SignatureStorage {
  /** Base URL from which simple signatures are read; `undefined` if no lookaside is configured. */
  readonly lookaside?: URL | undefined;
  /** Base URL to which simple signatures are written. If `undefined`, they are written to `lookaside`. */
  readonly lookasideStaging?: URL | undefined;
  /** True if sigstore signatures are attached to the images in the registry. */
  readonly attachments: boolean;
  /** How sigstore signatures are attached, see `SystemContext.registryReferrersMode`. */
  readonly referrersMode?: ReferrersMode | undefined;
}

/** Access to the files of lookaside directories. */
export interface LookasideFiles {
  /** Reads a file of at most `limit` bytes. Returns `undefined` if it does not exist. */
  read(url: URL, limit: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Writes a file atomically, and creates the folders above it. */
  write(url: URL, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Removes a file. Returns false if it does not exist. */
  remove(url: URL): Promise<boolean>;
}
