import { DEFAULT_GZIP_LEVEL } from "../../internal/compression/room.ts";
import { ManifestsError } from "../../spec/room.ts";

/** An algorithm for the compression of layers. */
export type Algorithm = "gzip" | "zstd" | "zstd:chunked";

const ALGORITHMS: readonly string[] = ["gzip", "zstd", "zstd:chunked"] satisfies Algorithm[];

/**
 * Parses the case-sensitive name of an algorithm.
 *
 * @throws {ManifestsError} With code `COMPRESSION_NOT_SUPPORTED` if the algorithm is unknown.
 */
export function parseAlgorithm(name: string): Algorithm {
  if (ALGORITHMS.includes(name)) return name as Algorithm;
  throw new ManifestsError(
    "COMPRESSION_NOT_SUPPORTED",
    `Cannot compress with ${JSON.stringify(name)}: cannot find compressor for it: use one of ${ALGORITHMS.join(", ")}`,
  );
}

/** Returns the algorithm that decompresses the output: zstd for `zstd:chunked`. */
export function baseAlgorithm(algorithm: Algorithm): "gzip" | "zstd" {
  return algorithm === "gzip" ? "gzip" : "zstd";
}

/** The levels of the zstd library of podman and buildah (klauspost/compress) as levels of the reference library. */
const ZSTD_STEPS: readonly [below: number, level: number][] = [[3, 1], [6, 3], [10, 7], [Infinity, 11]];

/**
 * Returns the level for the runtime's compressor.
 *
 * @param level The requested level; `undefined`: gzip's default, 3 for zstd, the best one for zstd:chunked.
 * @throws {RangeError} If the algorithm has no such level.
 */
export function runtimeLevel(algorithm: Algorithm, level: number | undefined): number {
  const [lowest, highest] = algorithm === "gzip" ? [0, 9] : [1, 22];
  if (level !== undefined && (!Number.isInteger(level) || level < lowest || level > highest)) {
    throw new RangeError(
      `Cannot compress with ${algorithm}: invalid compression level ${level}: use an integer from ${lowest} to ${highest}`,
    );
  }
  if (algorithm === "gzip") return level ?? DEFAULT_GZIP_LEVEL;
  const requested = level ?? (algorithm === "zstd" ? 3 : 10);
  return ZSTD_STEPS.find(([below]) => requested < below)![1];
}

/** Prefix of the annotations for zstd:chunked, since containers/storage 1.44. */
const CHUNKED_PREFIX = "io.github.containers.zstd-chunked.";

/** Names of the annotations for zstd:chunked. */
export const CHUNKED_ANNOTATIONS = {
  tocDigest: `${CHUNKED_PREFIX}manifest-checksum`,
  tocPosition: `${CHUNKED_PREFIX}manifest-position`,
  tarSplitPosition: `${CHUNKED_PREFIX}tarsplit-position`,
} as const;

/** Annotations about the compressed bytes, which are wrong after recompression. */
const BYTE_ANNOTATIONS: readonly string[] = [
  ...Object.values(CHUNKED_ANNOTATIONS),
  `${CHUNKED_PREFIX}tarsplit-checksum`,
  "containerd.io/snapshot/stargz/toc.digest",
];

type Annotations = Readonly<Record<string, string>>;

/** Whether the annotations of a layer declare `zstd:chunked`. */
export function isZstdChunked(annotations: Annotations): boolean {
  return annotations[CHUNKED_ANNOTATIONS.tocDigest] !== undefined;
}

/** Returns only the annotations of a layer that describe `zstd:chunked`. */
export function chunkedAnnotations(annotations: Annotations): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => name.startsWith(CHUNKED_PREFIX)));
}

/** Returns the annotations of a layer without those that describe its compressed bytes. */
export function withoutChunkedAnnotations(annotations: Annotations): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => !BYTE_ANNOTATIONS.includes(name)));
}
