import {
  type Descriptor,
  type Digest,
  type DockerListEntry,
  entriesOf,
  type ParsedIndex,
  ZSTD_ANNOTATION,
} from "../spec/mod.ts";
import { type Algorithm, baseAlgorithm } from "./recoding/mod.ts";

/** What is done with an instance: it is copied, or copied once more in another compression. */
export interface Operation {
  /** The instance. */
  readonly digest: Digest;
  /** The compression of the additional variant; `undefined`: the instance itself is copied. */
  readonly variant: Algorithm | undefined;
}

/** A compression that instances have, or none. */
export type PresentCompression = Algorithm | "uncompressed";

/** What {@linkcode planOperations} is told. */
export interface OperationOptions {
  /** The instances to copy, each once. */
  readonly chosen: readonly Digest[];
  /** The compressions that every platform shall have. */
  readonly addCompression: readonly Algorithm[];
  /**
   * The compression that an instance will have after it was copied; `undefined`: as its entry says. `null`: nothing
   * that could be compressed otherwise, as with artifacts.
   */
  readonly compressionOf: (digest: Digest) => PresentCompression | undefined | null;
}

/**
 * The operations for a list: each chosen instance is copied, and right after the first of a platform come the variants
 * that the platform lacks (copy/multiple.go `prepareInstanceOps`). An instance that cannot be compressed otherwise gets
 * no variants.
 */
export function planOperations(index: ParsedIndex, options: OperationOptions): Operation[] {
  const { chosen, addCompression, compressionOf } = options;
  const present = new Map<string, Set<PresentCompression>>();
  for (const entry of entriesOf(index)) {
    const compression = compressionOf(entry.digest);
    if (compression === null) continue;
    const own = present.get(platformKey(entry)) ?? new Set();
    present.set(platformKey(entry), own.add(compression ?? declaredCompression(entry)));
  }
  return chosen.flatMap((digest): Operation[] => {
    const copy: Operation = { digest, variant: undefined };
    if (compressionOf(digest) === null) return [copy];
    const own = present.get(platformKey(entriesOf(index).find((entry) => entry.digest === digest)!))!;
    const missing = addCompression.filter((algorithm) => !offers(own, algorithm) && own.add(algorithm));
    return [copy, ...missing.map((variant): Operation => ({ digest, variant }))];
  });
}

function offers(present: ReadonlySet<PresentCompression>, algorithm: Algorithm): boolean {
  return [...present].some((own) => own === algorithm || (own === "zstd:chunked" && baseAlgorithm(own) === algorithm));
}

function declaredCompression(entry: Descriptor | DockerListEntry): Algorithm {
  return "annotations" in entry && entry.annotations?.[ZSTD_ANNOTATION] === "true" ? "zstd" : "gzip";
}

function platformKey({ platform }: Descriptor | DockerListEntry): string {
  const { os = "", architecture = "", variant = "", osVersion = "", osFeatures = [] } = platform ?? {};
  return JSON.stringify([os, architecture, variant, osVersion, osFeatures.toSorted()]);
}
