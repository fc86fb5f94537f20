import type { BlobOrigin } from "../image/room.ts";
import type { Digest } from "../spec/room.ts";
import type { BlobFacts, KnownCompression } from "./blob_info/facts.ts";
import { createMemoryFacts } from "./blob_info/memory_facts.ts";
import type { LayerForm } from "./layer_policy.ts";
import { chunkedAnnotations, isZstdChunked } from "./recoding/mod.ts";

/** A blob that may stand in for another one. */
export interface BlobCandidate {
  /** Its digest. */
  readonly digest: Digest;
  /** How it is compressed; `undefined` only for the blob that was asked for, where nobody looked. */
  readonly compression: KnownCompression | undefined;
  /** Where it was seen; `undefined`: not within that scope, so at most the destination itself has it. */
  readonly origin: BlobOrigin | undefined;
}

/** Options for {@linkcode BlobInfoCache.findCandidates}. */
export interface CandidateOptions {
  /** The place within which blobs can be mounted, such as `docker://quay.io`. */
  readonly scope: string;
  /** Whether the same content in another form will do. */
  readonly canSubstitute: boolean;
  /** Which forms will do; default: all. What it refuses takes no other's place. */
  readonly accepts?: ((compression: KnownCompression) => boolean) | undefined;
}

/** How many candidates are worth asking for, and how many of them without a place (c/image `prioritize`). */
const MAX_CANDIDATES = 5, MAX_UNLOCATED = 2;

/**
 * What is known of blobs from earlier copies. What is read are hints, never trusted: a candidate is asked for before it
 * is used. What is recorded must have been verified here, not just claimed by a manifest. Go: `types.BlobInfoCache`.
 */
export class BlobInfoCache implements AsyncDisposable {
  readonly #facts: BlobFacts;
  #latest = 0;

  /** A cache over facts that are kept somewhere; disposing it disposes them. */
  constructor(facts: BlobFacts) {
    this.#facts = facts;
  }

  /** Digest of the same content without compression, `digest` itself where it is that; `undefined`: not known. */
  findUncompressed(digest: Digest): Digest | undefined {
    return this.#facts.findUncompressed(digest);
  }

  /** Records that two digests, which may be the same, name the same content, the second without compression. */
  recordUncompressed(any: Digest, uncompressed: Digest): void {
    if (this.#facts.findUncompressed(any) !== uncompressed) this.#facts.recordUncompressed(any, uncompressed);
  }

  /** How a blob is compressed; `undefined`: not known. */
  findForm(digest: Digest): LayerForm {
    return this.#facts.findCompression(digest)?.name;
  }

  /** Records how a blob is compressed. That it is zstd takes nothing from what is known of it as `zstd:chunked`. */
  recordCompression(digest: Digest, { name, annotations }: KnownCompression): void {
    // Without its annotations, a blob cannot be used as zstd:chunked again.
    const chunked = name === "zstd:chunked" && isZstdChunked(annotations);
    const known = this.#facts.findCompression(digest)?.name;
    if (chunked) this.#facts.recordCompression(digest, { name, annotations: chunkedAnnotations(annotations) });
    else if (known !== name && !(known === "zstd:chunked" && name === "zstd")) {
      this.#facts.recordCompression(digest, { name: name === "zstd:chunked" ? "zstd" : name, annotations: {} });
    }
  }

  /** Records that a blob was just seen somewhere: read, found, mounted or written there. */
  recordLocation({ scope, location }: BlobOrigin, digest: Digest): void {
    // A microsecond apart at least, so that what was seen last stays known.
    this.#latest = Math.max(Date.now(), this.#latest + 0.001);
    this.#facts.recordLocation({ scope, location, time: this.#latest }, digest);
  }

  /**
   * Blobs that may stand in for one, best first: itself, then the same content in other forms, without compression
   * last, and what was seen last before what was seen earlier. At most five, of which two have no place. Itself is only
   * there with a place: whether the destination has it is what was asked before.
   */
  findCandidates(digest: Digest, { scope, canSubstitute, accepts = () => true }: CandidateOptions): BlobCandidate[] {
    const uncompressed = canSubstitute ? this.#facts.findUncompressed(digest) : undefined;
    const others = uncompressed ? [...this.#facts.listDigests(uncompressed), uncompressed] : [];
    const located: RankedCandidate[] = [], unlocated: RankedCandidate[] = [];
    for (const other of new Set([digest, ...others])) {
      const compression = this.#facts.findCompression(other);
      // A manifest can only name another form that is known.
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
    const room = Math.min(MAX_UNLOCATED, MAX_CANDIDATES - best.length);
    return [...best, ...unlocated.toSorted(compareCandidates).slice(0, room)]
      .map(({ digest, compression, origin }) => ({ digest, compression, origin }));
  }

  /** Gives back what the facts are kept in, having written what is not written yet. */
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

/** A cache that lasts as long as it is held. */
export function createBlobInfoCache(): BlobInfoCache {
  return new BlobInfoCache(createMemoryFacts());
}
