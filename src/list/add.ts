import {
  type ImageReference,
  type ImageSource,
  readImageConfig,
  readManifest,
  type SystemContext,
} from "../image/room.ts";
import { allOrAbort, Semaphore } from "../internal/room.ts";
import {
  contradictsPlatform,
  createPlatform,
  type Descriptor,
  type Digest,
  type DockerListEntry,
  type DockerPlatform,
  formatPlatform,
  hasImageConfig,
  isAttestation,
  isIndex,
  ManifestsError,
  type ParsedImage,
  type ParsedManifest,
  type Platform,
} from "../spec/room.ts";
import { chooseEntries } from "./choose_entries.ts";

/** Options for {@linkcode List.add}. */
export interface AddOptions {
  /**
   * Add every instance of a list instead of one; an index inside it is one instance. Default: `false`, which adds the
   * only image of a list with a single image, otherwise the image for the platform of `systemContext` or of the host.
   */
  all?: boolean | undefined;
  /**
   * Platforms of the instances of a list to add, such as `linux/arm64`, which also selects its variants, or
   * `windows/amd64:10.0.20348.1`. An image that is not a list is added for any platform. Default: see `all`.
   */
  platforms?: readonly string[] | undefined;
  /**
   * Also add the attestations of the images of a list. Default: `true` with `all` or `platforms`, otherwise `false`.
   */
  attestations?: boolean | undefined;
  /**
   * Add an entry of a list even if its platform contradicts the configuration of its image.
   *
   * @default {false}
   */
  allowPlatformMismatch?: boolean | undefined;
  /** Called for each recorded platform that contradicts the image's own. Default: no callback. */
  onPlatformMismatch?: ((mismatch: PlatformMismatch) => unknown) | undefined;
  /** How to reach the image. Default: `{}`. */
  systemContext?: SystemContext | undefined;
  /** Aborts the call; then nothing is added. Default: no signal. */
  signal?: AbortSignal | undefined;
}

/** An entry of a list whose platform contradicts the configuration of its image. */
export interface PlatformMismatch {
  /** List that contains the entry. */
  readonly image: ImageReference;
  /** Digest of the instance's manifest. */
  readonly digest: Digest;
  /** Platform in the list, which is recorded. */
  readonly recorded: Platform;
  /** Platform in the image's configuration. */
  readonly actual: Platform;
}

/** Everything that a list records about an instance that `findInstances` found. */
export interface FoundInstance {
  /** Digest of the instance's manifest. */
  readonly digest: Digest;
  /** Size of the manifest in bytes. */
  readonly size: number;
  /** Media type of the manifest. */
  readonly mediaType: string;
  /** Platform: from the list that contains the instance, completed from the image's configuration. */
  readonly platform: Platform;
  /** CPU features (`platform.features` of Docker lists). Empty for an image that is not in a list. */
  readonly features: readonly string[];
  /** Annotations of the list entry. Empty for an image that is not in a list. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Artifact type; `""` if it has none. */
  readonly artifactType: string;
  /** Further URLs from which the manifest may be downloaded. */
  readonly urls: readonly string[];
  /** Reference from which the instance can be read again: the list that contains it, or the image itself. */
  readonly reference: ImageReference;
}

/** Maximum number of instances of a list that are read at the same time. */
const MAX_PARALLEL = 8;

/** Options for {@linkcode findInstances}. */
export interface FindInstancesOptions extends AddOptions {
  /** Accept a platform of `platforms` that a list does not have. Default: `false`. */
  readonly mayMiss?: boolean | undefined;
  /** Return a list as one instance, without reading its instances. Default: `false`. */
  readonly nested?: boolean | undefined;
}

/** Image or list that {@linkcode findInstances} read. */
export interface FoundImage {
  /** Digest of the manifest that the name has. */
  readonly digest: Digest;
  /** The manifest with this digest, parsed. */
  readonly manifest: ParsedManifest;
  /** Reference by that digest, from which it can be read again. */
  readonly reference: ImageReference;
  /** The image itself, or the chosen instances of the list. */
  readonly instances: readonly FoundInstance[];
}

/**
 * Finds the instances to add for an image: the image itself, or the chosen instances of a list. All of them are read and
 * checked before any is returned, so that the caller can add all or nothing.
 */
export async function findInstances(
  named: ImageReference,
  host: Platform,
  options: FindInstancesOptions,
): Promise<FoundImage> {
  const { systemContext, signal, all = false, platforms = [], attestations, mayMiss, nested = false } = options;
  await using source = await named.openSource(systemContext);
  const { digest, manifest } = await readManifest(source, { signal });
  const reference = pin(source.reference, digest);
  if (!isIndex(manifest) || nested) {
    const platform = isIndex(manifest) ? undefined : await findConfiguredPlatform(source, manifest, signal);
    const instance = { ...describe(manifest, digest), ...platform ? { platform } : {}, reference };
    return { digest, manifest, reference, instances: [instance] };
  }
  const choice = { name: String(source.reference), host, systemContext, all, platforms, attestations, mayMiss };
  const entries = chooseEntries(manifest, choice);
  const slots = new Semaphore(MAX_PARALLEL);
  const inspect = { ...options, mayNest: all || platforms.length > 0, place: placeInList(source.reference, digest) };
  const instances = await allOrAbort(
    entries.map((entry) => (signal) => slots.run(() => inspectEntry(source, entry, { ...inspect, signal }), signal)),
    signal,
  );
  return { digest, manifest, reference, instances };
}

/** Returns a reference with the digest and an absolute path, which later names the same content in any folder. */
export function pin(reference: ImageReference, digest: Digest): ImageReference {
  const exact = reference.withDigest?.(digest) ?? reference;
  return exact.absolute?.() ?? exact;
}

/**
 * Returns the reference to record for the instances of a list: for a registry the list by its digest, in which each
 * instance is found by its own digest; `undefined` for other transports. If the instances themselves were recorded,
 * pushes by buildah and podman could fail: they might look for a layer that an instance shares with a local image in the
 * local store, which does not have it. They read lists after images, and the place that they read last is used.
 */
function placeInList(reference: ImageReference, list: Digest): ImageReference | undefined {
  return reference.transport === "docker" ? pin(reference, list) : undefined;
}

function describe(manifest: ParsedManifest, digest: Digest): Omit<FoundInstance, "reference"> {
  return {
    digest,
    size: manifest.bytes.length,
    mediaType: manifest.mediaType,
    platform: createPlatform({}),
    features: [],
    annotations: {},
    artifactType: manifest.kind === "oci-image" ? manifest.artifactType ?? "" : "",
    urls: [],
  };
}

/** Options for {@linkcode inspectEntry}. */
interface InspectOptions extends Pick<AddOptions, "allowPlatformMismatch" | "onPlatformMismatch" | "systemContext"> {
  /** `true` accepts an entry that is itself an index. */
  readonly mayNest: boolean;
  /** Reference to record; `undefined` for the reference of the list with the digest of the instance. */
  readonly place: ImageReference | undefined;
  /** Aborts the reading of the entry. */
  readonly signal: AbortSignal;
}

/** Reads the manifest of an entry. Platform fields that the entry leaves out are taken from the image. */
async function inspectEntry(
  source: ImageSource,
  entry: Descriptor | DockerListEntry,
  options: InspectOptions,
): Promise<FoundInstance> {
  const { mayNest, place, signal } = options;
  const { manifest } = await readManifest(source, { instance: entry.digest, signal });
  const nested = isIndex(manifest);
  if (nested && !mayNest) {
    throw new ManifestsError(
      "NESTED_INDEX",
      `Cannot add ${entry.digest} of ${source.reference}: it is an index inside an index. ` +
        "Add all its instances (all, --all), or name the inner image by its digest",
    );
  }
  const recorded = createPlatform(entry.platform ?? {});
  const { artifactType = "", annotations = {} }: Partial<Descriptor> = entry;
  const { features = [] }: Partial<DockerPlatform> = entry.platform ?? {};
  const actual = artifactType || nested
    ? undefined
    : await findConfiguredPlatform(source, manifest, signal, entry.digest);
  if (actual && !isAttestation(entry)) assertPlatform(source, entry.digest, { recorded, actual }, options);
  return {
    ...describe(manifest, entry.digest),
    platform: createPlatform({
      ...recorded,
      ...(actual && !recorded.os ? { os: actual.os, osVersion: actual.osVersion, osFeatures: actual.osFeatures } : {}),
      ...(actual && !recorded.architecture ? { architecture: actual.architecture, variant: actual.variant } : {}),
    }),
    features,
    annotations,
    artifactType,
    urls: entry.urls ?? [],
    reference: place ?? pin(source.reference, entry.digest),
  };
}

/**
 * Throws `PLATFORM_MISMATCH` if the entry contradicts the image's configuration. An OS version that the caller chose
 * counts as the entry's if the entry has none. With `allowPlatformMismatch` the mismatch is only reported.
 */
function assertPlatform(
  { reference }: ImageSource,
  digest: Digest,
  { recorded, actual }: Pick<PlatformMismatch, "recorded" | "actual">,
  { allowPlatformMismatch, onPlatformMismatch, mayNest, systemContext }: InspectOptions,
): void {
  const chosen = mayNest || recorded.osVersion ? undefined : systemContext?.osVersionChoice;
  const labelled = createPlatform({ ...recorded, osVersion: chosen || recorded.osVersion });
  if (!contradictsPlatform(labelled, actual)) return;
  if (allowPlatformMismatch) return void onPlatformMismatch?.({ image: reference, digest, recorded: labelled, actual });
  throw new ManifestsError(
    "PLATFORM_MISMATCH",
    `Cannot add ${digest} of ${reference} for ${formatPlatform(labelled)}: its configuration says ${
      formatPlatform(actual)
    }. ` +
      "Record it anyway with allowPlatformMismatch (--allow-platform-mismatch)",
  );
}

/** Reads the platform from an image's configuration. Returns `undefined` for artifacts and unknown configurations. */
async function findConfiguredPlatform(
  source: ImageSource,
  manifest: ParsedImage,
  signal?: AbortSignal,
  instance?: Digest,
): Promise<Platform | undefined> {
  if (!hasImageConfig(manifest)) return undefined;
  return (await readImageConfig(source, manifest.config!, { instance, signal })).platform;
}
