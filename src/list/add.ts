import { type ImageReference, type ImageSource, readManifest, type SystemContext } from "../image/room.ts";
import { allOrAbort, Semaphore } from "../internal/room.ts";
import { parseJson, StructReader } from "../json/room.ts";
import {
  contradictsPlatform,
  createPlatform,
  type Descriptor,
  type Digest,
  type DockerListEntry,
  type DockerPlatform,
  formatPlatform,
  isAttestation,
  isIndex,
  ManifestsError,
  MAX_CONFIG_SIZE,
  MEDIA_TYPES,
  type ParsedImage,
  type ParsedManifest,
  type Platform,
  readBlob,
  readPlatform,
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
  /** Called for each contradiction that `allowPlatformMismatch` allows. */
  onPlatformMismatch?: ((mismatch: PlatformMismatch) => unknown) | undefined;
  /** How to reach the image. */
  systemContext?: SystemContext | undefined;
  /** Aborts the call; then nothing is added. */
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

/** Everything that a list records about an instance that was found somewhere. */
export interface FoundInstance {
  /** Digest of the manifest. */
  readonly digest: Digest;
  /** Size of the manifest in bytes. */
  readonly size: number;
  /** Media type of the manifest. */
  readonly mediaType: string;
  /** Platform. */
  readonly platform: Platform;
  /** CPU features. */
  readonly features: readonly string[];
  /** Annotations of the list entry. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Artifact type. */
  readonly artifactType: string;
  /** Where else the manifest may be downloaded. */
  readonly urls: readonly string[];
  /** Where the instance was found. */
  readonly reference: ImageReference;
}

/** How many instances of a list are looked at together. */
const MAX_PARALLEL = 8;

/**
 * Finds the instances that adding an image means. Everything is read and checked before anything is returned, so the
 * caller can add all or nothing.
 */
export async function findInstances(
  reference: ImageReference,
  host: Platform,
  options: AddOptions,
): Promise<FoundInstance[]> {
  const { systemContext, signal, all = false, platforms = [], attestations } = options;
  await using source = await reference.openSource(systemContext);
  const { digest, manifest } = await readManifest(source, { signal });
  if (!isIndex(manifest)) {
    const platform = await platformOf(source, manifest, signal);
    return [{
      ...describe(manifest, digest),
      ...platform ? { platform } : {},
      reference: pin(source.reference, digest),
    }];
  }
  const choice = { name: String(source.reference), host, systemContext, all, platforms, attestations };
  const entries = chooseEntries(manifest, choice);
  const slots = new Semaphore(MAX_PARALLEL);
  const inspect = { ...options, mayNest: all || platforms.length > 0, place: placeInList(source.reference, digest) };
  return await allOrAbort(
    entries.map((entry) => (signal) => slots.run(() => inspectEntry(source, entry, { ...inspect, signal }), signal)),
    signal,
  );
}

/** The place of an instance, named so that it stays the same wherever and whenever it is opened. */
export function pin(reference: ImageReference, digest: Digest): ImageReference {
  const exact = reference.withDigest?.(digest) ?? reference;
  return exact.absolute?.() ?? exact;
}

/**
 * The place of the instances of a list in a registry: the list, by its digest; `undefined` elsewhere. An instance is
 * found there by its own digest. If the instance itself were named, pushes by buildah and podman would fail now and
 * then: they may look for a layer that it shares with a local image in the local store, which does not have it. They
 * read lists after images, and the last place that they read counts.
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

/** How an entry of a list is looked at. */
interface InspectOptions extends Pick<AddOptions, "allowPlatformMismatch" | "onPlatformMismatch" | "systemContext"> {
  /** Whether it may be an index in its turn. */
  readonly mayNest: boolean;
  /** Where the instance is; `undefined`: where the list was read, by the instance's digest. */
  readonly place: ImageReference | undefined;
  /** Ends the call. */
  readonly signal: AbortSignal;
}

/** Reads the manifest behind a list's entry; what the entry does not say is taken from the image. */
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
      `Cannot add ${entry.digest} of ${source.reference} as it is an index inside an index, of which no image is chosen: add all of the list`,
    );
  }
  const recorded = createPlatform(entry.platform ?? {});
  const { artifactType = "", annotations = {} }: Partial<Descriptor> = entry;
  const { features = [] }: Partial<DockerPlatform> = entry.platform ?? {};
  const actual = artifactType || nested ? undefined : await platformOf(source, manifest, signal, entry.digest);
  if (actual && !isAttestation(entry)) checkPlatform(source, entry.digest, { recorded, actual }, options);
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

/** Refuses an entry, or a choice from a list whose entries say less, that contradicts the image. */
function checkPlatform(
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
      "allowPlatformMismatch (--allow-platform-mismatch) adds it nevertheless",
  );
}

/** The platform that an image's configuration names; `undefined` where the image is an artifact or has no such thing. */
async function platformOf(
  source: ImageSource,
  manifest: ParsedImage,
  signal?: AbortSignal,
  instance?: Digest,
): Promise<Platform | undefined> {
  const { config } = manifest;
  const isImage = config?.mediaType === MEDIA_TYPES.ociConfig || config?.mediaType === MEDIA_TYPES.dockerConfig;
  if (!config || !isImage || manifest.artifactType) return undefined;
  const bytes = await readBlob(await source.getBlob(config, { instance, signal }), config, MAX_CONFIG_SIZE, signal);
  const from = new StructReader(parseJson(bytes, `configuration of ${source.reference}`).value, "image configuration");
  return readPlatform(from);
}
