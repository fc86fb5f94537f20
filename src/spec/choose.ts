import { ManifestsError } from "../errors/room.ts";
import type { Digest } from "./digest.ts";
import type { Descriptor } from "./descriptor.ts";
import type { DockerListEntry } from "./index.ts";
import { getEntries, type ParsedIndex } from "./manifest.ts";
import { compatiblePlatforms, type Platform } from "./platform.ts";

/** Annotation that marks an instance whose layers are compressed with zstd. */
export const ZSTD_ANNOTATION = "io.github.containers.compression.zstd";

/** Options for {@linkcode chooseInstance}. */
export interface ChooseInstanceOptions {
  /**
   * Prefer gzip if a platform has instances with both compressions.
   *
   * @default {false}
   */
  preferGzip?: boolean;
}

type Entry = Descriptor | DockerListEntry;

/**
 * Chooses the instance of an index for a platform, as container-libs does: by the best variant, then by the preferred
 * compression, then by the order in the index. An OCI entry without a platform matches any platform, but is chosen only
 * if no other entry matches. Unlike container-libs, the operating system's version and features are taken into account:
 * an entry with another version is never chosen, and an entry without a version only if no entry has the requested one.
 *
 * @throws {ManifestsError} With code `NO_MATCHING_PLATFORM` if no entry matches.
 *
 * @example
 * ```ts
 * import { chooseInstance, type ParsedIndex, parseManifest } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const entry = { mediaType: "application/vnd.oci.image.manifest.v1+json", size: 495 };
 * const digest = `sha256:${"1".repeat(64)}`;
 * const platform = { os: "linux", architecture: "arm64", variant: "v8" };
 * const mediaType = "application/vnd.oci.image.index.v1+json";
 * const index = { schemaVersion: 2, mediaType, manifests: [{ ...entry, digest, platform }] };
 * const parsed = parseManifest(new TextEncoder().encode(JSON.stringify(index))) as ParsedIndex;
 * assert.equal(chooseInstance(parsed, { os: "linux", architecture: "arm64" }), digest);
 * ```
 */
export function chooseInstance(index: ParsedIndex, platform: Platform, options: ChooseInstanceOptions = {}): Digest {
  return chooseEntry(index, platform, options).digest;
}

/**
 * Same as {@linkcode chooseInstance}, but returns the entry: an index may name one instance for several platforms.
 *
 * @throws {ManifestsError} With code `NO_MATCHING_PLATFORM` if no entry matches.
 */
export function chooseEntry(index: ParsedIndex, platform: Platform, options: ChooseInstanceOptions = {}): Entry {
  const platforms = compatiblePlatforms(platform);
  const ranked = getEntries(index).map((entry) => ({
    entry,
    version: versionRank(entry.platform, platform),
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
  const { osVersion, osFeatures = [] } = platform;
  throw new ManifestsError(
    "NO_MATCHING_PLATFORM",
    `Cannot choose an instance: no image found in ${
      index.kind === "oci-index" ? "image index" : "manifest list"
    } for architecture ${JSON.stringify(architecture)}, variant ${JSON.stringify(variant)}, OS ${JSON.stringify(os)}` +
      (osVersion ? `, OS version ${JSON.stringify(osVersion)}` : "") +
      (osFeatures.length > 0 ? `, OS features ${JSON.stringify(osFeatures)}` : ""),
  );
}

/** Ranks the operating system of an entry: 0 is best; `Infinity` for another version or a missing feature. */
function versionRank(platform: Platform | undefined, { osVersion, osFeatures = [] }: Platform): number {
  const { osVersion: actual = "", osFeatures: features = [] } = platform ?? {};
  if (osVersion && actual && actual !== osVersion) return Infinity;
  if (features.length > 0 && !osFeatures.every((feature) => features.includes(feature))) return Infinity;
  return Number(Boolean(osVersion) && actual !== osVersion) +
    Number(osFeatures.length > 0 && features.length === 0);
}

function variantRank({ os, architecture, variant = "" }: Platform, platforms: readonly Platform[]): number {
  const rank = platforms.findIndex((platform) =>
    os === platform.os && architecture === platform.architecture && variant === platform.variant
  );
  return rank < 0 ? Infinity : rank;
}
