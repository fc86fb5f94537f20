import {
  type ImageReference,
  type ImageSource,
  type InstancePlace,
  MAX_INDEX_DEPTH,
  readImageConfig,
  readManifest,
  type SystemContext,
  type VerifiedManifest,
} from "../image/room.ts";
import {
  describePlatforms,
  type Descriptor,
  type Digest,
  type DockerListEntry,
  findByPlatform,
  formatPlatform,
  getEntries,
  hasImageConfig,
  isAttestation,
  isIndex,
  isIndexMediaType,
  isManifestsError,
  ManifestsError,
  MAX_CONFIG_SIZE,
  type ParsedImage,
  type Platform,
  readBlob,
} from "../spec/room.ts";
import { readFirst } from "./fetch_manifest.ts";
import { resolveSource } from "./resolve_source.ts";
import type { Runtime } from "./runtime.ts";

/** Options for {@linkcode withChosenManifest}. */
export interface ChooseManifestOptions {
  /** Platform of the image to choose from a list. Default: the manifest of the name itself. */
  readonly platform?: Platform | undefined;
  /** Access to the images: credentials, TLS, configuration files. */
  readonly systemContext?: SystemContext | undefined;
  /** Aborts the call, which then rejects with the signal's reason. Default: no signal. */
  readonly signal?: AbortSignal | undefined;
}

/** A manifest of a list, or the manifest of a name, with the place from which its blobs are read. */
export interface ChosenManifest extends VerifiedManifest {
  /** Place of the manifest for reads of its blobs. */
  readonly place: InstancePlace;
}

/**
 * Reads and verifies the manifest of the first image that can be read; with a platform, that of the image for it, also
 * inside of nested indexes. Passes it on while its source is open.
 *
 * @throws {ManifestsError} With code `NO_MATCHING_PLATFORM`, also if a single image is for another platform;
 * `AMBIGUOUS_MANIFEST` if several different images match; `LIMIT_EXCEEDED`; or with the codes of `fetchManifest`.
 */
export async function withChosenManifest<T>(
  runtime: Runtime,
  images: readonly (string | ImageReference)[],
  { systemContext, ...options }: ChooseManifestOptions,
  use: (chosen: ChosenManifest, source: ImageSource) => T | Promise<T>,
): Promise<T> {
  return await readFirst(images, async (image) => {
    await using source = await resolveSource(runtime, image).openSource(systemContext);
    return await use(await chooseManifest(source, options), source);
  }, options.signal);
}

/** Position of a manifest in the search for a platform. */
interface Position {
  /** Place of the manifest. Default: that of the name itself. */
  readonly place?: InstancePlace;
  /** Number of indexes above it. Default: 0. */
  readonly depth?: number;
  /** Nested indexes that need not be searched again: a few that name each other many times would take forever. */
  readonly searched?: Set<Digest>;
}

async function chooseManifest(
  source: ImageSource,
  options: Omit<ChooseManifestOptions, "systemContext">,
  { place = {}, depth = 0, searched = new Set() }: Position = {},
): Promise<ChosenManifest> {
  const { platform, signal } = options;
  if (depth > MAX_INDEX_DEPTH) {
    throw new ManifestsError(
      "LIMIT_EXCEEDED",
      `Cannot read ${source.reference}: more than ${MAX_INDEX_DEPTH} nested indexes`,
    );
  }
  const read = await readManifest(source, { ...place, signal });
  if (platform === undefined) return { ...read, place };
  if (!isIndex(read.manifest)) {
    await assertPlatform(source, read.manifest, platform, { ...place, signal });
    return { ...read, place };
  }
  const images = getEntries(read.manifest).filter((entry) => !isAttestation(entry));
  const { instance: parent, ancestor = parent } = place;
  const inside = (instance: Digest) =>
    chooseManifest(source, options, {
      place: { instance, ...(ancestor ? { ancestor } : {}) },
      depth: depth + 1,
      searched,
    });
  const chosen = chooseOne(images, platform, source.reference);
  if (chosen) return await inside(chosen);
  for (const { digest } of images.filter(({ mediaType }) => isIndexMediaType(mediaType))) {
    if (searched.has(digest)) continue;
    searched.add(digest);
    const found = await inside(digest).catch((error) => {
      if (!isManifestsError(error, "NO_MATCHING_PLATFORM")) throw error;
    });
    if (found) return found;
  }
  throw new ManifestsError(
    "NO_MATCHING_PLATFORM",
    `Cannot select ${formatPlatform(platform)} from ${source.reference}: ${describePlatforms(images)}`,
  );
}

/**
 * Reads the bytes of the configuration of a chosen image, and verifies them.
 *
 * @throws {ManifestsError} With code `MANIFEST_TYPE_NOT_SUPPORTED` if it is an index or has no configuration; or with the
 * codes of reading a blob.
 */
export async function readConfigBytes(
  source: ImageSource,
  { manifest, place }: ChosenManifest,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const config = isIndex(manifest) ? undefined : manifest.config;
  if (config) {
    return await readBlob(await source.getBlob(config, { ...place, signal }), config, MAX_CONFIG_SIZE, signal);
  }
  throw new ManifestsError(
    "MANIFEST_TYPE_NOT_SUPPORTED",
    `Cannot read the configuration of ${source.reference}: ${manifest.mediaType} has none`,
  );
}

/**
 * Chooses the image for a platform: the exact variant if there is one, else any variant. Returns `undefined` if there is
 * none.
 */
function chooseOne(
  images: readonly (Descriptor | DockerListEntry)[],
  platform: Platform,
  from: ImageReference,
): Digest | undefined {
  const digests = [...new Set(findByPlatform(images, platform, (entry) => entry.platform).map(({ digest }) => digest))];
  if (digests.length <= 1) return digests[0];
  throw new ManifestsError(
    "AMBIGUOUS_MANIFEST",
    `Cannot select ${formatPlatform(platform)} from ${from}: ${digests.length} images match: name the variant or ` +
      `version, or one of ${digests.join(", ")}`,
  );
}

/** Asserts that a single image is for a platform. An artifact has none, and is taken as it is. */
async function assertPlatform(
  source: ImageSource,
  manifest: ParsedImage,
  platform: Platform,
  place: InstancePlace & { signal?: AbortSignal | undefined },
): Promise<void> {
  if (!hasImageConfig(manifest) || !manifest.config) return;
  const { platform: actual } = await readImageConfig(source, manifest.config, place);
  if (findByPlatform([actual], platform, (item) => item).length > 0) return;
  throw new ManifestsError(
    "NO_MATCHING_PLATFORM",
    `Cannot select ${formatPlatform(platform)} from ${source.reference}: it is one image for ${formatPlatform(actual)}`,
  );
}
