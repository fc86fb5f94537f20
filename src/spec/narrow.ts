import { findAttested, isAttestation } from "./attestation.ts";
import type { Descriptor } from "./descriptor.ts";
import { ManifestsError } from "../errors/room.ts";
import type { DockerListEntry } from "./index.ts";
import { formatPlatform, matchesAnyVariant, type Platform } from "./platform.ts";

/** Options for {@linkcode narrowEntries}. */
export interface NarrowOptions {
  /** The index, for errors. */
  readonly name: string;
  /** The platforms to keep; one without a variant keeps all of its variants. Default: all. */
  readonly platforms?: readonly Platform[] | undefined;
  /** Whether attestations of the images that are kept are kept. Default: `true`. */
  readonly attestations?: boolean | undefined;
}

/**
 * The entries of an index for some platforms, with their attestations, in the order of the index.
 *
 * @throws {ManifestsError} With code `NO_MATCHING_PLATFORM` if the index has nothing for one of the platforms.
 */
export function narrowEntries<T extends Descriptor | DockerListEntry>(
  entries: readonly T[],
  { name, platforms = [], attestations = true }: NarrowOptions,
): T[] {
  const matches = (entry: T, wanted: Platform) =>
    entry.platform !== undefined && matchesAnyVariant(entry.platform, wanted);
  const images = entries.filter((entry) => !isAttestation(entry));
  const missing = platforms.find((wanted) => !images.some((entry) => matches(entry, wanted)));
  if (missing) {
    throw new ManifestsError(
      "NO_MATCHING_PLATFORM",
      `Cannot take ${formatPlatform(missing)} of ${name}: it has only ${listPlatforms(images)}`,
    );
  }
  const chosen = platforms.length === 0
    ? images
    : images.filter((entry) => platforms.some((wanted) => matches(entry, wanted)));
  const kept = new Set<string>(chosen.map(({ digest }) => digest));
  const isKept = (entry: T) => {
    if (!isAttestation(entry)) return kept.has(entry.digest);
    const attested = findAttested(entry);
    return attestations && (platforms.length === 0 || attested !== undefined && kept.has(attested));
  };
  return entries.filter(isKept);
}

/** The platforms of entries, for messages: each once. */
export function listPlatforms(entries: readonly (Descriptor | DockerListEntry)[]): string {
  const names = entries.map(({ platform }) => formatPlatform(platform));
  return [...new Set(names)].filter(Boolean).join(", ") || "no platforms";
}
