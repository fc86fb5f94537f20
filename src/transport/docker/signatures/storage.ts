import type { ReferrersMode } from "../../../image/room.ts";
import type { CallOptions } from "../../../internal/room.ts";
import type { SimpleSignature } from "../../../signature/room.ts";
import type { Digest } from "../../../spec/room.ts";

/** A place for the simple signatures of a repository's manifests. */
export interface SimpleSignatureStorage {
  /** Whether signatures can be written, or why not. */
  readonly writable: true | string;
  /** All signatures of a manifest. */
  read(digest: Digest, options?: CallOptions): Promise<SimpleSignature[]>;
  /** Writes signatures of a manifest. */
  write(digest: Digest, signatures: readonly SimpleSignature[], options?: CallOptions): Promise<void>;
}

/** Where the signatures of a repository's images are, besides the registry's own. */
export interface SignatureStorage {
  /** Where simple signatures are read; `undefined`: nowhere. */
  readonly lookaside?: URL | undefined;
  /** Where they are written; `undefined`: where they are read. */
  readonly lookasideStaging?: URL | undefined;
  /** Whether sigstore signatures are attached to images in the registry. */
  readonly attachments: boolean;
  /** How they are attached; see `SystemContext.registryReferrersMode`. */
  readonly referrersMode?: ReferrersMode | undefined;
}

/** The files of lookaside directories, where a host has any. */
export interface LookasideFiles {
  /** Reads a file of at most that many bytes; `undefined` where there is none. */
  read(url: URL, limit: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Writes a file, all of it or nothing, and the folders above it. */
  write(url: URL, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Removes a file; `false` where there is none. */
  remove(url: URL): Promise<boolean>;
}
