import {
  type ImageReference,
  type ImageSource,
  readManifest,
  type SignedManifest,
  type SystemContext,
} from "../image/room.ts";
import { allOrAbort, Semaphore } from "../internal/room.ts";
import {
  createPlatform,
  type Descriptor,
  type Digest,
  type DockerListEntry,
  getEntries,
  isEmptyPlatform,
  isIndex,
  type ParsedManifest,
  type Platform,
} from "../spec/room.ts";
import { resolveImage, type Runtime } from "./runtime.ts";

/** A layer of an instance. */
export interface DescribedLayer {
  /** Digest of the layer's blob. */
  readonly digest: Digest;
  /** Size of the blob in bytes; -1 if it is not known. */
  readonly size: number;
  /** Media type of the blob. */
  readonly mediaType: string;
  /** `true` if another instance of the list has the same layer. */
  readonly shared: boolean;
}

/** An instance of a list, or an image that is not a list. */
export interface DescribedInstance {
  /** Digest of the manifest's bytes. */
  readonly digest: Digest;
  /** Media type of the manifest. */
  readonly mediaType: string;
  /** Its platform in the list; `undefined` if the list has no platform for it, or if it is not in a list. */
  readonly platform: Platform | undefined;
  /** Annotations of its entry in the list. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Artifact type; `""` for an image. */
  readonly artifactType: string;
  /** Layers, base first; empty if the manifest could not be read. */
  readonly layers: readonly DescribedLayer[];
  /** Total size of the layers and the configuration in bytes; unknown sizes are not included. */
  readonly size: number;
  /** Number of its signatures; they are not verified. */
  readonly signatures: number;
  /** Error message if the manifest could not be read; otherwise `undefined`. */
  readonly problem?: string | undefined;
}

/** A list with its instances and their layers. */
export interface DescribedImage {
  /** Digest of the manifest's bytes. */
  readonly digest: Digest;
  /** Media type of the manifest. */
  readonly mediaType: string;
  /** Annotations of the list itself. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Number of signatures of the list itself; they are not verified. */
  readonly signatures: number;
  /** Digest of the subject of the list; `undefined` if it has none. */
  readonly subject?: Digest | undefined;
  /** Instances, in the order of the list. */
  readonly instances: readonly DescribedInstance[];
}

/** Options for {@linkcode describeImage}. */
export interface DescribeImageOptions {
  /** Access to the image: credentials, TLS, configuration files. Default: `{}`. */
  systemContext?: SystemContext | undefined;
  /** Aborts the call when it fires. */
  signal?: AbortSignal | undefined;
}

/** Maximum number of manifests that are read at the same time. */
const MAX_PARALLEL = 8;

/** Describes an image or list: `describeImage` for any runtime. */
export async function describeImageWith(
  runtime: Runtime,
  image: string | ImageReference,
  options: DescribeImageOptions = {},
): Promise<DescribedImage> {
  const reference = resolveImage(runtime, image);
  await using source = await reference.openSource(options.systemContext);
  const { digest, manifest } = await readManifest(source, { signal: options.signal });
  const signatures = await countSignatures(source, { digest, isInstance: false }, options.signal);
  if (!isIndex(manifest)) {
    const entry = { digest, mediaType: manifest.mediaType, size: manifest.bytes.length };
    const described = { ...describe(entry, manifest), signatures };
    return { ...summary(digest, manifest.mediaType), signatures, instances: markShared([described]) };
  }
  const slots = new Semaphore(MAX_PARALLEL);
  const instances = await allOrAbort(
    getEntries(manifest).map((entry) => (signal) =>
      slots.run(async () => ({
        ...describe(entry, await readInstance(source, entry.digest, signal)),
        signatures: await countSignatures(source, { digest: entry.digest, isInstance: true }, signal),
      }), signal)
    ),
    options.signal,
  );
  const { annotations, subject } = manifest.kind === "oci-index" ? manifest.index : {};
  return {
    ...summary(digest, manifest.mediaType, annotations, subject?.digest),
    signatures,
    instances: markShared(instances),
  };
}

function summary(
  digest: Digest,
  mediaType: string,
  annotations: Readonly<Record<string, string>> = {},
  subject?: Digest,
): Omit<DescribedImage, "instances" | "signatures"> {
  return { digest, mediaType, annotations, ...(subject ? { subject } : {}) };
}

/** Returns the number of signatures; 0 if they cannot be read. */
async function countSignatures(
  source: ImageSource,
  manifest: SignedManifest,
  signal: AbortSignal | undefined,
): Promise<number> {
  try {
    return (await source.getSignatures?.(manifest, { signal }))?.length ?? 0;
  } catch {
    signal?.throwIfAborted();
    return 0;
  }
}

/** Returns the manifest of an instance, or the message of the error. */
async function readInstance(
  source: ImageSource,
  instance: Digest,
  signal: AbortSignal,
): Promise<ParsedManifest | string> {
  try {
    return (await readManifest(source, { instance, signal })).manifest;
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof Error ? error.message : String(error);
  }
}

function describe(
  entry: Descriptor | DockerListEntry,
  manifest: ParsedManifest | string,
): Omit<DescribedInstance, "signatures"> {
  const { annotations = {}, artifactType }: Partial<Descriptor> = entry;
  const platform = createPlatform(entry.platform ?? {});
  // An index inside the index has no layers of its own.
  const read = typeof manifest === "string" || isIndex(manifest) ? undefined : manifest;
  const blobs = [...read?.layers ?? [], ...(read?.config ? [read.config] : [])];
  return {
    digest: entry.digest,
    mediaType: entry.mediaType,
    platform: isEmptyPlatform(platform) ? undefined : platform,
    annotations,
    artifactType: artifactType ?? read?.artifactType ?? "",
    layers: (read?.layers ?? []).map(({ digest, size, mediaType }) => ({ digest, size, mediaType, shared: false })),
    size: blobs.reduce((sum, { size }) => sum + Math.max(size, 0), 0),
    ...(typeof manifest === "string" ? { problem: manifest } : {}),
  };
}

function markShared(instances: readonly DescribedInstance[]): DescribedInstance[] {
  const owners = new Map<Digest, number>();
  for (const { layers } of instances) {
    for (const digest of new Set(layers.map(({ digest }) => digest))) owners.set(digest, (owners.get(digest) ?? 0) + 1);
  }
  return instances.map((instance) => ({
    ...instance,
    layers: instance.layers.map((layer) => ({ ...layer, shared: owners.get(layer.digest)! > 1 })),
  }));
}
