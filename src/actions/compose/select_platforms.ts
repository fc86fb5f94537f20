import {
  findAttested,
  findPlatform,
  formatPlatform,
  isAttestation,
  ManifestsError,
  matchesAnyVariant,
  parsePlatform,
  type Platform,
} from "../../spec/room.ts";
import type { ComposedEntry } from "./entries.ts";
import type { CompositionOptions, EntryAnnotations } from "./types.ts";

/** Whether an entry has a platform. Throws `INVALID_PLATFORM` when it is created from an invalid text. */
type PlatformTest = (platform: Platform) => boolean;

/** Returns a test for a platform such as `linux/arm64`; an operating system alone matches all its platforms. */
function createTest(text: string): PlatformTest {
  if (/^[a-z0-9]+$/.test(text)) return ({ os }) => os === text;
  const platform = parsePlatform(text);
  return (other) => matchesAnyVariant(other, platform);
}

/** Returns the platforms that a source can be asked for; `undefined` if some of them are operating systems alone. */
export function getReadablePlatforms(platforms: readonly string[] | undefined): readonly string[] | undefined {
  return platforms?.every((text) => findPlatform(text)) ? platforms : undefined;
}

/** Options for {@linkcode selectPlatforms}. */
export interface SelectOptions extends Pick<CompositionOptions, "platforms" | "attestations"> {
  /** Platforms of all images of the sources, for errors. Default: those of the entries. */
  readonly available?: readonly Platform[] | undefined;
}

/**
 * Returns only the entries for some platforms, with their attestations; an operating system alone means all its images.
 *
 * @throws {ManifestsError} With code `NO_MATCHING_PLATFORM` if a platform has no image.
 */
export function selectPlatforms(
  entries: readonly ComposedEntry[],
  { platforms = [], attestations = true, available }: SelectOptions,
): ComposedEntry[] {
  if (platforms.length > 0) assertPlatforms(entries, platforms, "select", available);
  const wanted = platforms.map(createTest);
  const isWanted = ({ platform }: ComposedEntry) => wanted.length === 0 || wanted.some((matches) => matches(platform));
  const kept = new Set<string | undefined>(
    entries.filter((entry) => !isAttestation(entry) && isWanted(entry)).map(({ digest }) => digest),
  );
  return entries.filter((entry) => {
    if (!isAttestation(entry)) return kept.has(entry.digest) && isWanted(entry);
    return attestations && (wanted.length === 0 || kept.has(findAttested(entry)));
  });
}

/**
 * Checks that there is an image for each platform.
 *
 * @throws {ManifestsError} With code `NO_MATCHING_PLATFORM`, which names all missing platforms.
 */
export function assertPlatforms(
  entries: readonly ComposedEntry[],
  required: readonly string[],
  action: "require" | "select" | "annotate",
  available?: readonly Platform[],
): void {
  const images = entries.filter((entry) => !isAttestation(entry));
  const missing = required.filter((text) => {
    const matches = createTest(text);
    return !images.some((entry) => matches(entry.platform));
  });
  if (missing.length === 0) return;
  const platforms = available ?? images.map(({ platform }) => platform);
  const found = [...new Set(platforms.map((platform) => formatPlatform(platform)))].filter(Boolean).join(", ");
  throw new ManifestsError(
    "NO_MATCHING_PLATFORM",
    `Cannot ${action} ${missing.join(", ")}: the sources contain ${found ? `only ${found}` : "no platforms"}`,
  );
}

/** Adds annotations to entries by platform. */
export function annotateEntries(
  entries: readonly ComposedEntry[],
  changes: readonly EntryAnnotations[],
): ComposedEntry[] {
  let annotated = [...entries];
  for (const { platform, annotations } of changes) {
    if (platform !== undefined) assertPlatforms(annotated, [platform], "annotate");
    const matches = platform === undefined ? undefined : createTest(platform);
    annotated = annotated.map((entry) => {
      const isChosen = !matches || !isAttestation(entry) && matches(entry.platform);
      return isChosen ? { ...entry, annotations: { ...entry.annotations, ...annotations } } : entry;
    });
  }
  return annotated;
}
