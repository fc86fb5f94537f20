import { DEFAULT_GZIP_LEVEL } from "../../internal/compression/room.ts";
import { ManifestsError } from "../../spec/room.ts";

/** An algorithm that layers can be compressed with. */
export type Algorithm = "gzip" | "zstd" | "zstd:chunked";

const ALGORITHMS: readonly string[] = ["gzip", "zstd", "zstd:chunked"] satisfies Algorithm[];

/**
 * Parses the name of an algorithm; capitals count.
 *
 * @throws {ManifestsError} With code `COMPRESSION_NOT_SUPPORTED`.
 */
export function parseAlgorithm(name: string): Algorithm {
  if (ALGORITHMS.includes(name)) return name as Algorithm;
  throw new ManifestsError(
    "COMPRESSION_NOT_SUPPORTED",
    `Cannot compress with ${JSON.stringify(name)}: cannot find compressor for it, there are only ${
      ALGORITHMS.join(", ")
    }`,
  );
}

/** What an algorithm's output is for those who only read it: `zstd:chunked` is zstd. */
export function baseAlgorithm(algorithm: Algorithm): "gzip" | "zstd" {
  return algorithm === "gzip" ? "gzip" : "zstd";
}

/** Levels of the real tools' zstd (klauspost's), which are steps; the numbers are those of the reference library. */
const ZSTD_STEPS: readonly [below: number, level: number][] = [[3, 1], [6, 3], [10, 7], [Infinity, 11]];

/**
 * The level for the runtime's compressor.
 *
 * @param level The caller's; `undefined` is the algorithm's own: gzip's 3, zstd's 3, zstd:chunked's best.
 * @throws {RangeError} Where the algorithm has no such level.
 */
export function runtimeLevel(algorithm: Algorithm, level: number | undefined): number {
  const [lowest, highest] = algorithm === "gzip" ? [0, 9] : [1, 22];
  if (level !== undefined && (!Number.isInteger(level) || level < lowest || level > highest)) {
    throw new RangeError(
      `Cannot compress with ${algorithm}: invalid compression level: it must be from ${lowest} to ${highest}: current value is ${level}`,
    );
  }
  if (algorithm === "gzip") return level ?? DEFAULT_GZIP_LEVEL;
  const wanted = level ?? (algorithm === "zstd" ? 3 : 10);
  return ZSTD_STEPS.find(([below]) => wanted < below)![1];
}

/** What a layer's annotations of zstd:chunked begin with, since storage 1.44. */
const CHUNKED_PREFIX = "io.github.containers.zstd-chunked.";

/** The annotations of zstd:chunked. */
export const CHUNKED_ANNOTATIONS = {
  tocDigest: `${CHUNKED_PREFIX}manifest-checksum`,
  tocPosition: `${CHUNKED_PREFIX}manifest-position`,
  tarSplitPosition: `${CHUNKED_PREFIX}tarsplit-position`,
} as const;

/** Annotations that tell of compressed bytes, and so lie when they are others. */
const FORGOTTEN: readonly string[] = [
  ...Object.values(CHUNKED_ANNOTATIONS),
  `${CHUNKED_PREFIX}tarsplit-checksum`,
  "containerd.io/snapshot/stargz/toc.digest",
];

type Annotations = Readonly<Record<string, string>>;

/** Whether a layer says that it is compressed with `zstd:chunked`. */
export function isZstdChunked(annotations: Annotations): boolean {
  return annotations[CHUNKED_ANNOTATIONS.tocDigest] !== undefined;
}

/** The annotations of a layer that tell of `zstd:chunked`. */
export function chunkedAnnotations(annotations: Annotations): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => name.startsWith(CHUNKED_PREFIX)));
}

/** Annotations without those that tell of how the layer's bytes were compressed. */
export function withoutChunkedAnnotations(annotations: Annotations): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => !FORGOTTEN.includes(name)));
}
