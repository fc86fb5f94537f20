import {
  type Descriptor,
  type Digest,
  type DockerListEntry,
  getEntries,
  type ParsedIndex,
  ZSTD_ANNOTATION,
} from "../spec/room.ts";
import { type Algorithm, baseAlgorithm } from "./recoding/mod.ts";

/** One step of a list copy: an instance is copied as it is, or as a variant in another compression. */
export interface Operation {
  /** Digest of the instance at the source. */
  readonly digest: Digest;
  /** The variant to create; `undefined`: the instance itself is copied. */
  readonly variant: Variant | undefined;
}

/** An additional copy of an instance in another compression. */
export interface Variant {
  /** Algorithm with which the layers are compressed. */
  readonly algorithm: Algorithm;
  /** Indexes of the entries for which a variant entry is added: one for each platform that lacks this compression. */
  readonly entries: readonly number[];
}

/**
 * Compression of an instance after the copy. `as-declared`: as its entry in the index declares; `fixed`: it cannot be
 * recompressed, as with artifacts.
 */
export type InstanceCompression = Algorithm | "uncompressed" | "as-declared" | "fixed";

/** Options of {@linkcode planOperations}. */
export interface OperationOptions {
  /** Digests of the instances to copy, without duplicates. */
  readonly chosen: readonly Digest[];
  /** Compressions in which each platform must exist. */
  readonly addCompression: readonly Algorithm[];
  /** Returns the compression of an instance after the copy. */
  readonly getCompression: (digest: Digest) => InstanceCompression;
}

/**
 * Plans the operations for a list: each chosen instance is copied, and the first instance of a platform is followed by
 * the variants that the platform lacks (copy/multiple.go `prepareInstanceOps`). If several platforms share an instance,
 * each variant is created once for all of them.
 */
export function planOperations(index: ParsedIndex, options: OperationOptions): Operation[] {
  const { chosen, addCompression, getCompression } = options;
  const present = new PresentCompressions(index, getCompression);
  return chosen.flatMap((digest): Operation[] => {
    const copy: Operation = { digest, variant: undefined };
    if (getCompression(digest) === "fixed") return [copy];
    const variants = addCompression
      .map((algorithm): Variant => ({ algorithm, entries: present.addTo(digest, algorithm) }))
      .filter(({ entries }) => entries.length > 0);
    return [copy, ...variants.map((variant): Operation => ({ digest, variant }))];
  });
}

/** The compressions that each platform of an index has or will have. */
class PresentCompressions {
  readonly #entries: readonly (Descriptor | DockerListEntry)[];
  /** Indexes of the entries of each instance. */
  readonly #positions = new Map<Digest, number[]>();
  readonly #byPlatform = new Map<string, Set<InstanceCompression>>();

  constructor(index: ParsedIndex, getCompression: OperationOptions["getCompression"]) {
    this.#entries = getEntries(index);
    for (const [i, entry] of this.#entries.entries()) {
      const positions = this.#positions.get(entry.digest);
      if (positions) positions.push(i);
      else this.#positions.set(entry.digest, [i]);
      const compression = getCompression(entry.digest);
      if (compression === "fixed") continue;
      this.#getPlatform(entry).add(compression === "as-declared" ? getDeclaredCompression(entry) : compression);
    }
  }

  /** Adds a compression to each platform of an instance that lacks it; returns the indexes of their entries. */
  addTo(digest: Digest, algorithm: Algorithm): number[] {
    return (this.#positions.get(digest) ?? []).filter((i) => {
      const present = this.#getPlatform(this.#entries[i]!);
      if (hasCompression(present, algorithm)) return false;
      present.add(algorithm);
      return true;
    });
  }

  #getPlatform(entry: Descriptor | DockerListEntry): Set<InstanceCompression> {
    const key = toPlatformKey(entry);
    const compressions = this.#byPlatform.get(key) ?? new Set();
    this.#byPlatform.set(key, compressions);
    return compressions;
  }
}

function hasCompression(present: ReadonlySet<InstanceCompression>, algorithm: Algorithm): boolean {
  return [...present].some((compression) =>
    compression === algorithm || (compression === "zstd:chunked" && baseAlgorithm(compression) === algorithm)
  );
}

function getDeclaredCompression(entry: Descriptor | DockerListEntry): Algorithm {
  return "annotations" in entry && entry.annotations?.[ZSTD_ANNOTATION] === "true" ? "zstd" : "gzip";
}

function toPlatformKey({ platform }: Descriptor | DockerListEntry): string {
  const { os = "", architecture = "", variant = "", osVersion = "", osFeatures = [] } = platform ?? {};
  return JSON.stringify([os, architecture, variant, osVersion, osFeatures.toSorted()]);
}
