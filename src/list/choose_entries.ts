import type { SystemContext } from "../image/room.ts";
import {
  chooseEntry,
  createPlatform,
  describePlatforms,
  type Descriptor,
  type DockerListEntry,
  findAttested,
  formatPlatform,
  getEntries,
  isAttestation,
  isIndexMediaType,
  isManifestsError,
  ManifestsError,
  narrowEntries,
  type ParsedIndex,
  parsePlatform,
  type Platform,
} from "../spec/room.ts";

type Entry = Descriptor | DockerListEntry;

/** Which entries of an index are added to a list. */
export interface EntryChoice {
  /** Name of the index, for error messages. */
  readonly name: string;
  /** The platform to choose if nobody names one. */
  readonly host: Platform;
  /** The platform that the caller names, if any. */
  readonly systemContext?: SystemContext | undefined;
  /** Whether to add all entries. */
  readonly all?: boolean | undefined;
  /** The platforms to add; default: the one of the host, or, with `all`, all. */
  readonly platforms?: readonly string[] | undefined;
  /** Whether to add attestations; default: `true` with `all` or `platforms`, else `false`. */
  readonly attestations?: boolean | undefined;
  /** Whether to accept a platform for which the index has no entry; default: `false`. */
  readonly mayMiss?: boolean | undefined;
}

/**
 * Chooses the entries of an index to add: one, as container-libs does, unless all or some platforms are asked for. An
 * index that has only one image, as BuildKit pushes it with its attestation, is that image on every host. The image that
 * is chosen comes before its attestations.
 *
 * @throws {ManifestsError} With code `NO_MATCHING_PLATFORM`.
 */
export function chooseEntries(index: ParsedIndex, choice: EntryChoice): readonly Entry[] {
  const { all, name, platforms = [], attestations, mayMiss } = choice;
  const entries = getEntries(index);
  if (all || platforms.length > 0) {
    return narrowEntries<Entry>(entries, { name, platforms: platforms.map(parsePlatform), attestations, mayMiss });
  }
  const chosen = chooseOne(index, choice);
  if (!attestations) return [chosen];
  return [chosen, ...entries.filter((entry) => findAttested(entry) === chosen.digest)];
}

function chooseOne(index: ParsedIndex, { name, host, systemContext }: EntryChoice): Entry {
  const entries = getEntries(index);
  const images = entries.filter((entry) => !isAttestation(entry) && !("artifactType" in entry && entry.artifactType));
  const only = images.length === 1 && !isIndexMediaType(images[0]!.mediaType) ? images[0] : undefined;
  const wanted = wantedPlatform(only ? createPlatform(only.platform ?? {}) : host, systemContext);
  const chosen = entries.length === 0 ? chooseEntry(index, wanted) : findEntry(index, wanted);
  // An entry without a platform is chosen only if no other one suits; an index inside it is not searched.
  if (chosen && (chosen.platform || !isIndexMediaType(chosen.mediaType))) return chosen;
  if (images.length === 0 && entries.length > 0) {
    throw new ManifestsError(
      "NO_MATCHING_PLATFORM",
      `Cannot add ${name}: it has no images, only artifacts or attestations: add all its entries (all, --all)`,
    );
  }
  const nested = chosen ? `; the index ${chosen.digest} inside it is not searched` : "";
  throw new ManifestsError(
    "NO_MATCHING_PLATFORM",
    `Cannot add ${name}: it has no image for ${formatPlatform(wanted)}: ${
      describePlatforms(images)
    }${nested}. Choose one of these platforms, or add all of them (all, --all)`,
  );
}

/** The entry for a platform; `undefined` if there is none. */
function findEntry(index: ParsedIndex, wanted: Platform): Entry | undefined {
  try {
    return chooseEntry(index, wanted);
  } catch (error) {
    if (isManifestsError(error, "NO_MATCHING_PLATFORM")) return undefined;
    throw error;
  }
}

/** A platform with what the caller names instead. Another architecture does not keep the variant. */
export function wantedPlatform(platform: Platform, context: SystemContext = {}): Platform {
  const { osChoice, architectureChoice, variantChoice, osVersionChoice, osFeaturesChoice } = context;
  return createPlatform({
    os: osChoice || platform.os,
    architecture: architectureChoice || platform.architecture,
    variant: variantChoice || (architectureChoice ? "" : platform.variant),
    osVersion: osVersionChoice,
    osFeatures: osFeaturesChoice,
  });
}
