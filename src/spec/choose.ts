import { ManifestsError } from "../errors/room.ts";
import type { Digest } from "./digest.ts";
import type { Descriptor } from "./descriptor.ts";
import type { DockerListEntry } from "./index.ts";
import { getEntries, type ParsedIndex } from "./manifest.ts";
import { compatiblePlatforms, type Platform } from "./platform.ts";

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

type Entry = Descriptor | DockerListEntry;

/**
 * Chooses the instance of an index for a platform, as container-libs does: the best variant first, then the preferred
 * compression, then the order in the index. An OCI entry without a platform suits any machine, but only if nothing
 * else does. Unlike there, a wanted version and wanted features of the operating system are heeded: an entry that says
 * another version is never chosen, one that says none only if no entry says the wanted one.
 *
 * @throws {ManifestsError} With code `NO_MATCHING_PLATFORM`.
 */
export function chooseInstance(index: ParsedIndex, wanted: Platform, options: ChooseInstanceOptions = {}): Digest {
  return chooseEntry(index, wanted, options).digest;
}

/**
 * As {@linkcode chooseInstance}, but returns the entry: an index may name one instance for several platforms.
 *
 * @throws {ManifestsError} With code `NO_MATCHING_PLATFORM`.
 */
export function chooseEntry(index: ParsedIndex, wanted: Platform, options: ChooseInstanceOptions = {}): Entry {
  const platforms = compatiblePlatforms(wanted);
  const ranked = getEntries(index).map((entry) => ({
    entry,
    version: versionRank(entry.platform, wanted),
    rank: entry.platform ? variantRank(entry.platform, platforms) : Number.MAX_SAFE_INTEGER,
    zstd: "annotations" in entry && entry.annotations?.[ZSTD_ANNOTATION] === "true",
  }));
  const best =
    ranked.filter(({ rank, version }) => rank !== Infinity && version !== Infinity).toSorted((a, b) =>
      Number(!a.entry.platform) - Number(!b.entry.platform) || a.version - b.version || a.rank - b.rank ||
      (a.zstd === b.zstd ? 0 : a.zstd === !options.preferGzip ? -1 : 1)
    )[0];
  if (best) return best.entry;
  const { architecture, variant = "", os } = platforms[0]!;
  const { osVersion, osFeatures = [] } = wanted;
  throw new ManifestsError(
    "NO_MATCHING_PLATFORM",
    `Cannot choose an instance: no image found in ${
      index.kind === "oci-index" ? "image index" : "manifest list"
    } for architecture ${JSON.stringify(architecture)}, variant ${JSON.stringify(variant)}, OS ${JSON.stringify(os)}` +
      (osVersion ? `, OS version ${JSON.stringify(osVersion)}` : "") +
      (osFeatures.length > 0 ? `, OS features ${JSON.stringify(osFeatures)}` : ""),
  );
}

/** How well the operating system of an entry suits: 0 best; `Infinity` if it is another version or lacks a feature. */
function versionRank(platform: Platform | undefined, { osVersion, osFeatures = [] }: Platform): number {
  const { osVersion: actual = "", osFeatures: features = [] } = platform ?? {};
  if (osVersion && actual && actual !== osVersion) return Infinity;
  if (features.length > 0 && !osFeatures.every((feature) => features.includes(feature))) return Infinity;
  return Number(Boolean(osVersion) && actual !== osVersion) +
    Number(osFeatures.length > 0 && features.length === 0);
}

function variantRank({ os, architecture, variant = "" }: Platform, platforms: readonly Platform[]): number {
  const rank = platforms.findIndex((wanted) =>
    os === wanted.os && architecture === wanted.architecture && variant === wanted.variant
  );
  return rank < 0 ? Infinity : rank;
}
