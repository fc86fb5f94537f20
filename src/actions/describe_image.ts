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

/** A blob of an instance. */
export interface DescribedLayer {
  /** Its digest. */
  readonly digest: Digest;
  /** Its size in bytes, or -1. */
  readonly size: number;
  /** Its media type. */
  readonly mediaType: string;
  /** Whether another instance of the list has it too. */
  readonly shared: boolean;
}

/** An instance of a list, or the only image. */
export interface DescribedInstance {
  /** Digest of its manifest. */
  readonly digest: Digest;
  /** Media type of its manifest. */
  readonly mediaType: string;
  /** Its platform in the list; `undefined` if the list has no platform for it, or if it is not in a list. */
  readonly platform: Platform | undefined;
  /** Annotations of its entry. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Its artifact type; `""` for an image. */
  readonly artifactType: string;
  /** Its layers; none where its manifest could not be read. */
  readonly layers: readonly DescribedLayer[];
  /** Bytes of its layers and its configuration, as far as sizes are known. */
  readonly size: number;
  /** How many signatures the place keeps of it; nobody has verified them. */
  readonly signatures: number;
  /** Why its manifest could not be read. */
  readonly problem?: string | undefined;
}

/** A list with what its instances are made of. */
export interface DescribedImage {
  /** Digest of its manifest. */
  readonly digest: Digest;
  /** Media type of its manifest. */
  readonly mediaType: string;
  /** Annotations of the list itself. */
  readonly annotations: Readonly<Record<string, string>>;
  /** How many signatures the place keeps of the list itself; nobody has verified them. */
  readonly signatures: number;
  /** What the list is about. */
  readonly subject?: Digest | undefined;
  /** Its instances, in its order. */
  readonly instances: readonly DescribedInstance[];
}

/** Options for {@linkcode describeImage}. */
export interface DescribeImageOptions {
  /** How to reach the image. */
  systemContext?: SystemContext | undefined;
  /** Ends the call. */
  signal?: AbortSignal | undefined;
}

/** How many manifests are read at once. */
const MAX_PARALLEL = 8;

/** `describeImage` of either side. */
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

/** Signatures that cannot be read are none to show. */
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

/** The manifest of an instance, or why there is none. */
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
