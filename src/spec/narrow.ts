import { findAttested, isAttestation } from "./attestation.ts";
import type { Descriptor } from "./descriptor.ts";
import { ManifestsError } from "../errors/room.ts";
import type { DockerListEntry } from "./index.ts";
import { formatPlatform, matchesAnyVariant, type Platform } from "./platform.ts";

/** Options for {@linkcode narrowEntries}. */
export interface NarrowOptions {
  /** Name of the index in errors. */
  readonly name: string;
  /** Platforms to keep. A platform without a variant keeps all of its variants. Default: all platforms. */
  readonly platforms?: readonly Platform[] | undefined;
  /** Whether to keep the attestations of these images. Default: `true`. */
  readonly attestations?: boolean | undefined;
  /** Accept a platform for which the index has no entry. Default: `false`. */
  readonly mayMiss?: boolean | undefined;
}

/**
 * Returns the entries of an index for some platforms, with their attestations, in the order of the index.
 *
 * @throws {ManifestsError} With code `NO_MATCHING_PLATFORM` if the index has no entry for one of the platforms.
 */
export function narrowEntries<T extends Descriptor | DockerListEntry>(
  entries: readonly T[],
  { name, platforms = [], attestations = true, mayMiss = false }: NarrowOptions,
): T[] {
  const matches = (entry: T, platform: Platform) =>
    entry.platform !== undefined && matchesAnyVariant(entry.platform, platform);
  const images = entries.filter((entry) => !isAttestation(entry));
  const missing = platforms.find((platform) => !images.some((entry) => matches(entry, platform)));
  if (missing && !mayMiss) {
    throw new ManifestsError(
      "NO_MATCHING_PLATFORM",
      `Cannot select ${formatPlatform(missing)} from ${name}: ${describePlatforms(images)}`,
    );
  }
  const chosen = platforms.length === 0
    ? images
    : images.filter((entry) => platforms.some((platform) => matches(entry, platform)));
  const kept = new Set<string>(chosen.map(({ digest }) => digest));
  const isKept = (entry: T) => {
    if (!isAttestation(entry)) return kept.has(entry.digest);
    const attested = findAttested(entry);
    return attestations && (platforms.length === 0 || attested !== undefined && kept.has(attested));
  };
  return entries.filter(isKept);
}

/** Says for messages which different platforms the images of an index have, as in `it has only linux/arm64`. */
export function describePlatforms(images: readonly (Descriptor | DockerListEntry)[]): string {
  if (images.length === 0) return "it has no images";
  const names = new Set(images.map(({ platform }) => formatPlatform(platform)).filter(Boolean));
  return names.size === 0 ? "none of its entries has a platform" : `it has only ${[...names].join(", ")}`;
}
