import type { BlobOrigin } from "../image/room.ts";
import type { Digest } from "../spec/room.ts";
import type { BlobFacts, KnownCompression } from "./blob_info/facts.ts";
import { createMemoryFacts } from "./blob_info/memory_facts.ts";
import type { LayerForm } from "./layer_policy.ts";
import { chunkedAnnotations, isZstdChunked } from "./recoding/mod.ts";

/** A blob that can be used instead of another one. */
export interface BlobCandidate {
  /** Digest of the candidate's bytes. */
  readonly digest: Digest;
  /** Compression of the blob; `undefined`: unknown, which is possible only for the requested blob itself. */
  readonly compression: KnownCompression | undefined;
  /** The repository that had it; `undefined`: none in this scope, so it can exist only at the destination itself. */
  readonly origin: BlobOrigin | undefined;
}

/** Options for {@linkcode BlobInfoCache.findCandidates}. */
export interface CandidateOptions {
  /** The place inside which blobs can be mounted, such as `docker://quay.io`. */
  readonly scope: string;
  /** Whether the same content in another compression can be used. */
  readonly canSubstitute: boolean;
  /** Filters the candidates by their compression; rejected ones do not use up the limit. Default: all are accepted. */
  readonly accepts?: ((compression: KnownCompression) => boolean) | undefined;
}

/** Maximum number of candidates, and of those with an unknown location; the same numbers as in c/image `prioritize`. */
const MAX_CANDIDATES = 5, MAX_UNLOCATED = 2;

/**
 * Facts about blobs from earlier copies. Facts that are read are only hints: before a candidate is used, the destination
 * is asked whether it has it. Only verified facts may be recorded, not claims of a manifest. Go: `types.BlobInfoCache`.
 */
export class BlobInfoCache implements AsyncDisposable {
  readonly #facts: BlobFacts;
  #latest = 0;

  /** Creates a cache over stored facts, which are disposed with the cache. */
  constructor(facts: BlobFacts) {
    this.#facts = facts;
  }

  /** Finds the digest of the uncompressed content, which is `digest` itself for an uncompressed blob; `undefined`: unknown. */
  findUncompressed(digest: Digest): Digest | undefined {
    return this.#facts.findUncompressed(digest);
  }

  /** Records that two digests, possibly equal, name the same content, and that the second one is uncompressed. */
  recordUncompressed(digest: Digest, uncompressed: Digest): void {
    if (this.#facts.findUncompressed(digest) !== uncompressed) this.#facts.recordUncompressed(digest, uncompressed);
  }

  /** Finds the compression of a blob; `undefined`: unknown. */
  findForm(digest: Digest): LayerForm {
    return this.#facts.findCompression(digest)?.name;
  }

  /** Records the compression of a blob. Recording `zstd` does not replace a known `zstd:chunked`, which is more precise. */
  recordCompression(digest: Digest, { name, annotations }: KnownCompression): void {
    // Without its annotations, a blob cannot be used as zstd:chunked.
    const chunked = name === "zstd:chunked" && isZstdChunked(annotations);
    const known = this.#facts.findCompression(digest)?.name;
    if (chunked) this.#facts.recordCompression(digest, { name, annotations: chunkedAnnotations(annotations) });
    else if (known !== name && !(known === "zstd:chunked" && name === "zstd")) {
      this.#facts.recordCompression(digest, { name: name === "zstd:chunked" ? "zstd" : name, annotations: {} });
    }
  }

  /** Records that a blob exists in a repository now, because it was read, found, mounted or written there. */
  recordLocation({ scope, location }: BlobOrigin, digest: Digest): void {
    // At least one microsecond apart, the resolution of the database, to keep the order of equal timestamps.
    this.#latest = Math.max(Date.now(), this.#latest + 0.001);
    this.#facts.recordLocation({ scope, location, time: this.#latest }, digest);
  }

  /**
   * Finds blobs that can be used instead of one, best first: the blob itself, then the same content in other compressions,
   * the uncompressed content last; among equals, the most recently seen location first. Returns at most five, of which at
   * most two have an unknown location. The blob itself is returned only with a location, because the caller has already
   * looked for it at the destination.
   */
  findCandidates(digest: Digest, { scope, canSubstitute, accepts = () => true }: CandidateOptions): BlobCandidate[] {
    const uncompressed = canSubstitute ? this.#facts.findUncompressed(digest) : undefined;
    const others = uncompressed ? [...this.#facts.listDigests(uncompressed), uncompressed] : [];
    const located: RankedCandidate[] = [], unlocated: RankedCandidate[] = [];
    for (const other of new Set([digest, ...others])) {
      const compression = this.#facts.findCompression(other);
      // The manifest must describe the compression of its layers, so it must be known for another blob.
      if (compression ? !accepts(compression) : other !== digest) continue;
      const rank = other === digest ? 0 : other === uncompressed ? 2 : 1;
      const locations = this.#facts.listLocations(other, scope);
      for (const { location, time } of locations) {
        located.push({ digest: other, compression, origin: { scope, location }, rank, time });
      }
      if (locations.length === 0 && rank > 0) {
        unlocated.push({ digest: other, compression, origin: undefined, rank, time: 0 });
      }
    }
    const best = located.toSorted(compareCandidates).slice(0, MAX_CANDIDATES);
    const remaining = Math.min(MAX_UNLOCATED, MAX_CANDIDATES - best.length);
    return [...best, ...unlocated.toSorted(compareCandidates).slice(0, remaining)]
      .map(({ digest, compression, origin }) => ({ digest, compression, origin }));
  }

  /** Writes pending facts and closes the storage. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#facts[Symbol.dispose]();
    return Promise.resolve();
  }
}

interface RankedCandidate extends BlobCandidate {
  readonly rank: number;
  readonly time: number;
}

function compareCandidates(a: RankedCandidate, b: RankedCandidate): number {
  return a.rank - b.rank || b.time - a.time || (a.digest < b.digest ? -1 : Number(a.digest > b.digest));
}

/** Creates an empty cache in memory. */
export function createBlobInfoCache(): BlobInfoCache {
  return new BlobInfoCache(createMemoryFacts());
}
