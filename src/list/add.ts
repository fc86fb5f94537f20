import { type ImageReference, type ImageSource, readManifest, type SystemContext } from "../image/room.ts";
import { allOrAbort, Semaphore } from "../internal/room.ts";
import { parseJson, StructReader } from "../json/room.ts";
import {
  chooseInstance,
  createPlatform,
  type Descriptor,
  type Digest,
  type DockerListEntry,
  type DockerPlatform,
  entriesOf,
  formatPlatform,
  isIndex,
  ManifestsError,
  MAX_CONFIG_SIZE,
  MEDIA_TYPES,
  type ParsedImage,
  type ParsedManifest,
  type Platform,
  readBlob,
} from "../spec/room.ts";

/** Options for {@linkcode List.add}. */
export interface AddOptions {
  /**
   * Add every instance of a list, instead of the one for the wanted platform. An index inside it is one instance.
   *
   * @default {false}
   */
  all?: boolean | undefined;
  /**
   * Take an entry of a list even where its platform contradicts the configuration of its image.
   *
   * @default {false}
   */
  allowPlatformMismatch?: boolean | undefined;
  /** How to reach the image. */
  systemContext?: SystemContext | undefined;
  /** Ends the call; nothing is added then. */
  signal?: AbortSignal | undefined;
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
  wanted: Platform,
  options: AddOptions,
): Promise<FoundInstance[]> {
  const { systemContext, signal, all = false, allowPlatformMismatch = false } = options;
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
  const chosen = all ? undefined : chooseInstance(manifest, wanted);
  const entries = entriesOf(manifest).filter((entry) => chosen === undefined || entry.digest === chosen);
  const slots = new Semaphore(MAX_PARALLEL);
  const inspect = { allowPlatformMismatch, mayNest: all };
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
interface InspectOptions extends Required<Pick<AddOptions, "allowPlatformMismatch">> {
  /** Whether it may be an index in its turn. */
  readonly mayNest: boolean;
  /** Ends the call. */
  readonly signal: AbortSignal;
}

/** Reads the manifest behind a list's entry; what the entry does not say is taken from the image. */
async function inspectEntry(
  source: ImageSource,
  entry: Descriptor | DockerListEntry,
  { allowPlatformMismatch, mayNest, signal }: InspectOptions,
): Promise<FoundInstance> {
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
  if (actual && !allowPlatformMismatch) refuseContradiction(source, entry.digest, recorded, actual);
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
    reference: pin(source.reference, entry.digest),
  };
}

function refuseContradiction(source: ImageSource, digest: Digest, recorded: Platform, actual: Platform): void {
  const contradicts = (a: string, b: string) => a !== "" && b !== "" && a !== b;
  if (contradicts(recorded.os, actual.os) || contradicts(recorded.architecture, actual.architecture)) {
    throw new ManifestsError(
      "PLATFORM_MISMATCH",
      `Cannot add ${digest} of ${source.reference} as the list says that it is for ${
        formatPlatform(recorded)
      }, but its configuration says ${formatPlatform(actual)}`,
    );
  }
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
  return createPlatform({
    os: from.string("os"),
    osVersion: from.string("os.version"),
    osFeatures: from.strings("os.features"),
    architecture: from.string("architecture"),
    variant: from.string("variant"),
  });
}
