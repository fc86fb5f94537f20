import type { BlobOrigin } from "../../image/room.ts";
import type { Digest } from "../../spec/room.ts";
import type { LayerForm } from "../layer_policy.ts";

/** How a blob is compressed. */
export interface KnownCompression {
  /** The algorithm, or `uncompressed`. */
  readonly name: Exclude<LayerForm, undefined>;
  /** The annotations that a layer needs to be read as `zstd:chunked`; empty for everything else. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** Where a blob was seen, and when. */
export interface KnownLocation extends BlobOrigin {
  /** Milliseconds since 1970, with a fraction. */
  readonly time: number;
}

/** What is known of blobs, kept somewhere: plain facts, of which the cache makes hints. Nothing here ever fails. */
export interface BlobFacts extends Disposable {
  /** Digest of the same content without compression, `digest` itself where it is that; `undefined`: not known. */
  findUncompressed(digest: Digest): Digest | undefined;
  /** The blobs whose content without compression has that digest, in no order. */
  listDigests(uncompressed: Digest): Iterable<Digest>;
  /** How a blob is compressed; `undefined`: nobody looked. */
  findCompression(digest: Digest): KnownCompression | undefined;
  /** Where within a scope a blob was seen, in no order and each place once. */
  listLocations(digest: Digest, scope: string): readonly KnownLocation[];
  /** Records that two digests name the same content, the second without compression. */
  recordUncompressed(any: Digest, uncompressed: Digest): void;
  /** Records how a blob is compressed, in place of what was known of that. */
  recordCompression(digest: Digest, compression: KnownCompression): void;
  /** Records where a blob was seen, in place of an older time. */
  recordLocation(known: KnownLocation, digest: Digest): void;
}
