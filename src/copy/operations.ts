import {
  type Descriptor,
  type Digest,
  type DockerListEntry,
  getEntries,
  type ParsedIndex,
  ZSTD_ANNOTATION,
} from "../spec/room.ts";
import { type Algorithm, baseAlgorithm } from "./recoding/mod.ts";

/** What is done with an instance: it is copied, or copied once more in another compression. */
export interface Operation {
  /** The instance. */
  readonly digest: Digest;
  /** The additional variant; `undefined`: the instance itself is copied. */
  readonly variant: Variant | undefined;
}

/** An instance once more, in another compression. */
export interface Variant {
  /** The compression. */
  readonly algorithm: Algorithm;
  /** The positions of the index's entries of which each gets one more for it: one per platform that lacks it. */
  readonly entries: readonly number[];
}

/**
 * The compression that an instance will have after it was copied. `as-declared`: what its entry says; `fixed`: nothing of
 * it can be compressed otherwise, as with artifacts.
 */
export type InstanceCompression = Algorithm | "uncompressed" | "as-declared" | "fixed";

/** What {@linkcode planOperations} is told. */
export interface OperationOptions {
  /** The instances to copy, each once. */
  readonly chosen: readonly Digest[];
  /** The compressions that every platform shall have. */
  readonly addCompression: readonly Algorithm[];
  /** What is known of an instance's compression. */
  readonly compressionOf: (digest: Digest) => InstanceCompression;
}

/**
 * The operations for a list: each chosen instance is copied, and right after the first of a platform come the variants
 * that the platform lacks (copy/multiple.go `prepareInstanceOps`). An instance that several platforms share gets each
 * variant once, for all of them.
 */
export function planOperations(index: ParsedIndex, options: OperationOptions): Operation[] {
  const { chosen, addCompression, compressionOf } = options;
  const present = new PresentCompressions(index, compressionOf);
  return chosen.flatMap((digest): Operation[] => {
    const copy: Operation = { digest, variant: undefined };
    if (compressionOf(digest) === "fixed") return [copy];
    const variants = addCompression
      .map((algorithm): Variant => ({ algorithm, entries: present.addTo(digest, algorithm) }))
      .filter(({ entries }) => entries.length > 0);
    return [copy, ...variants.map((variant): Operation => ({ digest, variant }))];
  });
}

/** The compressions that each platform of an index has, or will have. */
class PresentCompressions {
  readonly #entries: readonly (Descriptor | DockerListEntry)[];
  /** The positions of the entries of an instance. */
  readonly #positions = new Map<Digest, number[]>();
  readonly #byPlatform = new Map<string, Set<InstanceCompression>>();

  constructor(index: ParsedIndex, compressionOf: OperationOptions["compressionOf"]) {
    this.#entries = getEntries(index);
    for (const [i, entry] of this.#entries.entries()) {
      const positions = this.#positions.get(entry.digest);
      if (positions) positions.push(i);
      else this.#positions.set(entry.digest, [i]);
      const compression = compressionOf(entry.digest);
      if (compression === "fixed") continue;
      this.#of(entry).add(compression === "as-declared" ? declaredCompression(entry) : compression);
    }
  }

  /** Gives a compression to each platform of an instance that lacks it; returns the positions of their entries. */
  addTo(digest: Digest, algorithm: Algorithm): number[] {
    return (this.#positions.get(digest) ?? []).filter((i) => {
      const present = this.#of(this.#entries[i]!);
      if (offers(present, algorithm)) return false;
      present.add(algorithm);
      return true;
    });
  }

  #of(entry: Descriptor | DockerListEntry): Set<InstanceCompression> {
    const key = platformKey(entry);
    const own = this.#byPlatform.get(key) ?? new Set();
    this.#byPlatform.set(key, own);
    return own;
  }
}

function offers(present: ReadonlySet<InstanceCompression>, algorithm: Algorithm): boolean {
  return [...present].some((own) => own === algorithm || (own === "zstd:chunked" && baseAlgorithm(own) === algorithm));
}

function declaredCompression(entry: Descriptor | DockerListEntry): Algorithm {
  return "annotations" in entry && entry.annotations?.[ZSTD_ANNOTATION] === "true" ? "zstd" : "gzip";
}

function platformKey({ platform }: Descriptor | DockerListEntry): string {
  const { os = "", architecture = "", variant = "", osVersion = "", osFeatures = [] } = platform ?? {};
  return JSON.stringify([os, architecture, variant, osVersion, osFeatures.toSorted()]);
}
