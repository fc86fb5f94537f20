import { ManifestsError } from "../errors/room.ts";
import type { Digest } from "./digest.ts";
import type { ParsedIndex } from "./manifest.ts";
import { compatiblePlatforms, matchesPlatform, type Platform } from "./platform.ts";

/** The annotation that marks an instance whose layers are compressed with zstd. */
export const ZSTD_ANNOTATION = "io.github.containers.compression.zstd";

/** Options for {@linkcode chooseInstance}. */
export interface ChooseInstanceOptions {
  /**
   * Prefer gzip where a platform has instances of both compressions.
   *
   * @default {false}
   */
  preferGzip?: boolean;
}

interface Candidate {
  digest: Digest;
  rank: number;
  zstd: boolean;
}

/**
 * Chooses the instance of an index for a platform, as container-libs does: the best variant first, then the preferred
 * compression, then the order in the index. An OCI entry without a platform suits any machine, but only where nothing
 * else does.
 *
 * @throws {ManifestsError} With code `NO_MATCHING_PLATFORM`.
 */
export function chooseInstance(index: ParsedIndex, wanted: Platform, options: ChooseInstanceOptions = {}): Digest {
  const platforms = compatiblePlatforms(wanted);
  const ranked = index.kind === "oci-index"
    ? (index.index.manifests ?? []).map((entry): Candidate => ({
      digest: entry.digest,
      rank: entry.platform ? rankOf(entry.platform, platforms) : Number.MAX_SAFE_INTEGER,
      zstd: entry.annotations?.[ZSTD_ANNOTATION] === "true",
    }))
    : (index.list.manifests ?? []).map((entry): Candidate => ({
      digest: entry.digest,
      rank: rankOf(entry.platform, platforms),
      zstd: false,
    }));
  const best =
    ranked.filter((c) => c.rank !== Infinity).toSorted((a, b) =>
      a.rank - b.rank || (a.zstd === b.zstd ? 0 : a.zstd === !options.preferGzip ? -1 : 1)
    )[0];
  if (!best) {
    const { architecture, variant = "", os } = platforms[0]!;
    throw new ManifestsError(
      "NO_MATCHING_PLATFORM",
      `Cannot choose an instance as no image found in ${
        index.kind === "oci-index" ? "image index" : "manifest list"
      } for architecture ${JSON.stringify(architecture)}, variant ${JSON.stringify(variant)}, OS ${JSON.stringify(os)}`,
    );
  }
  return best.digest;
}

function rankOf(platform: Platform, platforms: readonly Platform[]): number {
  const rank = platforms.findIndex((wanted) => matchesPlatform(platform, wanted));
  return rank < 0 ? Infinity : rank;
}
