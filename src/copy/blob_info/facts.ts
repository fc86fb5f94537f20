import type { BlobOrigin } from "../../image/room.ts";
import type { Digest } from "../../spec/room.ts";
import type { LayerForm } from "../layer_policy.ts";

/** Compression of a blob: algorithm and annotations. */
export interface KnownCompression {
  /** Algorithm, or `uncompressed` for none. */
  readonly name: Exclude<LayerForm, undefined>;
  /** Annotations that a layer needs to be read as `zstd:chunked`; empty for other algorithms. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** A repository that had a blob, and when. */
export interface KnownLocation extends BlobOrigin {
  /** Milliseconds since 1970-01-01 UTC, with a fraction. */
  readonly time: number;
}

/** Storage of facts about blobs, on which a `BlobInfoCache` is based. Its methods never throw. */
export interface BlobFacts extends Disposable {
  /** Finds the digest of the uncompressed content, which is `digest` itself for an uncompressed blob; `undefined`: unknown. */
  findUncompressed(digest: Digest): Digest | undefined;
  /** Lists the blobs with this digest of the uncompressed content, in no particular order. */
  listDigests(uncompressed: Digest): Iterable<Digest>;
  /** Finds the compression of a blob; `undefined`: unknown. */
  findCompression(digest: Digest): KnownCompression | undefined;
  /** Lists the repositories in a scope that had a blob, without duplicates, in no particular order. */
  listLocations(digest: Digest, scope: string): readonly KnownLocation[];
  /** Records that two digests name the same content, and that the second one is uncompressed. */
  recordUncompressed(digest: Digest, uncompressed: Digest): void;
  /** Records the compression of a blob and replaces a known one. */
  recordCompression(digest: Digest, compression: KnownCompression): void;
  /** Records a repository that has a blob and replaces an older time. */
  recordLocation(known: KnownLocation, digest: Digest): void;
}
