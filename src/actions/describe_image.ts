import {
  type ImageReference,
  type ImageSource,
  type InstancePlace,
  MAX_INDEX_DEPTH,
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
  findAttested,
  getEntries,
  isEmptyPlatform,
  isIndex,
  type ParsedIndex,
  type ParsedManifest,
  type Platform,
} from "../spec/room.ts";
import { resolveSource } from "./resolve_source.ts";
import type { Runtime } from "./runtime.ts";

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
  /** Digest of the image that this attestation, as BuildKit writes them, is about; absent for other instances. */
  readonly attests?: string | undefined;
  /** Predicate types of the in-toto statements in the layers; absent if there are none. */
  readonly predicateTypes?: readonly string[] | undefined;
  /** Instances of a nested index; absent for other instances, and if the index occurs again. */
  readonly instances?: readonly DescribedInstance[] | undefined;
  /** Error message if the manifest could not be read; otherwise `undefined`. */
  readonly problem?: string | undefined;
}

/** A list with its instances and their layers. */
export interface DescribedImage {
  /** Full name of the image with its transport, as in `docker://quay.io/me/app:1`. */
  readonly name: string;
  /** Digest of the manifest's bytes. */
  readonly digest: Digest;
  /** Media type of the manifest. */
  readonly mediaType: string;
  /** Annotations of the list itself. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Number of signatures of the list itself; they are not verified. */
  readonly signatures: number;
  /**
   * Attestations that the registry stores for the image or list itself, as Sigstore bundles or under cosign's `.att` tag:
   * the predicate type, the form, and the digest of the manifest that stores them. They are not verified. Empty if they
   * cannot be read.
   */
  readonly attestations: readonly {
    readonly predicateType: string | undefined;
    readonly form: "bundle" | "tag";
    readonly manifest: Digest;
  }[];
  /** Digest of the subject of the list; `undefined` if it has none. */
  readonly subject?: Digest | undefined;
  /** Instances, in the order of the list. */
  readonly instances: readonly DescribedInstance[];
}

/** Options for {@linkcode describeImage}. */
export interface DescribeImageOptions {
  /** Access to the image: credentials, TLS, configuration files. Default: `{}`. */
  systemContext?: SystemContext | undefined;
  /** Aborts the call, which then rejects with the signal's reason. Default: no signal. */
  signal?: AbortSignal | undefined;
}

/** Maximum number of manifests that are read at the same time, as many as blobs in a copy (`maxParallelTransfers`). */
const MAX_PARALLEL = 8;
/** Maximum number of instances of nested indexes, far above real ones: an index may name any number of others. */
const MAX_NESTED = 1000;
/** Annotation of a layer with the predicate type of its in-toto statement, as BuildKit writes it. */
const PREDICATE_TYPE = "in-toto.io/predicate-type";

/** A manifest that was read for a description. */
export interface VisitedManifest {
  /** Description of its instance, without what its signatures and nested instances add. */
  readonly instance: Omit<DescribedInstance, "signatures" | "instances">;
  /** The parsed manifest with its bytes. */
  readonly manifest: ParsedManifest;
  /** Source of the manifest, which is open during the visit. */
  readonly source: ImageSource;
  /** Place in the source from which its blobs are read. */
  readonly place: InstancePlace;
}

/** Options of {@linkcode describeImageWith} that only the command line sets. */
interface DescribeInternals {
  /** Called with each image manifest that was read. */
  readonly visit?: ((visited: VisitedManifest, signal: AbortSignal | undefined) => Promise<void>) | undefined;
}

/** Describes an image or list: `describeImage` for any runtime. */
export async function describeImageWith(
  runtime: Runtime,
  image: string | ImageReference,
  options: DescribeImageOptions & DescribeInternals = {},
): Promise<DescribedImage> {
  const reference = resolveSource(runtime, image);
  await using source = await reference.openSource(options.systemContext);
  const { digest, manifest } = await readManifest(source, { signal: options.signal });
  const signatures = await countSignatures(source, { digest, isInstance: false }, options.signal);
  const { mediaType } = manifest;
  const attestations = await listAttestations(runtime, source, digest, options);
  const head = { name: String(source.reference), digest, mediaType, signatures, attestations };
  if (!isIndex(manifest)) {
    const described = describe({ digest, mediaType, size: manifest.bytes.length }, manifest);
    await options.visit?.({ instance: described, manifest, source, place: {} }, options.signal);
    return { ...head, annotations: {}, instances: markShared([{ ...described, signatures }]) };
  }
  const instances = await new InstanceReader(source, options.visit).describeAll(manifest, {}, options.signal);
  const { annotations = {}, subject } = manifest.kind === "oci-index" ? manifest.index : {};
  return {
    ...head,
    annotations,
    ...(subject ? { subject: subject.digest } : {}),
    instances: markShared(instances),
  };
}

/** Lists the attestations of a manifest; an empty list if they cannot be read. */
async function listAttestations(
  runtime: Runtime,
  source: ImageSource,
  digest: Digest,
  { systemContext, signal }: DescribeImageOptions,
): Promise<DescribedImage["attestations"]> {
  const { readAttestations } = await import("./attestations/stored_attestations.ts");
  try {
    const found = await readAttestations(runtime, { source, digest }, { systemContext, signal });
    return found.map(({ predicateType, form, manifest }) => ({ predicateType, form, manifest }));
  } catch {
    signal?.throwIfAborted();
    return [];
  }
}

/** Reads and describes the instances of an index, including those of nested indexes. */
class InstanceReader {
  readonly #source: ImageSource;
  readonly #slots = new Semaphore(MAX_PARALLEL);
  /** Nested indexes that were described: an index that occurs again is not described again. */
  readonly #nested = new Set<Digest>();

  readonly #visit: DescribeInternals["visit"];
  #nestedCount = 0;

  constructor(source: ImageSource, visit: DescribeInternals["visit"]) {
    this.#source = source;
    this.#visit = visit;
  }

  async describeAll(
    index: ParsedIndex,
    place: InstancePlace,
    signal: AbortSignal | undefined,
    depth = 0,
  ): Promise<DescribedInstance[]> {
    const { instance: parent, ancestor = parent } = place;
    return await allOrAbort(
      getEntries(index).map((entry) => async (signal) => {
        const inside = { instance: entry.digest, ...(ancestor ? { ancestor } : {}) };
        if (depth > 0 && ++this.#nestedCount > MAX_NESTED) {
          return { ...describe(entry, "too many instances of nested indexes"), signatures: 0 };
        }
        const { manifest, described } = await this.#slots.run(async () => {
          const manifest = await readInstance(this.#source, inside, signal);
          const instance = describe(entry, manifest);
          if (typeof manifest !== "string" && !isIndex(manifest)) {
            await this.#visit?.({ instance, manifest, source: this.#source, place: inside }, signal);
          }
          const signed = { digest: entry.digest, isInstance: true, ...(ancestor ? { ancestor } : {}) };
          return {
            manifest,
            described: { ...instance, signatures: await countSignatures(this.#source, signed, signal) },
          };
        }, signal);
        const isNested = typeof manifest !== "string" && isIndex(manifest) && depth < MAX_INDEX_DEPTH;
        if (!isNested || this.#nested.has(entry.digest)) return described;
        this.#nested.add(entry.digest);
        return { ...described, instances: await this.describeAll(manifest, inside, signal, depth + 1) };
      }),
      signal,
    );
  }
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
  place: InstancePlace,
  signal: AbortSignal,
): Promise<ParsedManifest | string> {
  try {
    return (await readManifest(source, { ...place, signal })).manifest;
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
  const attests = findAttested(entry);
  // An index inside the index has no layers of its own.
  const read = typeof manifest === "string" || isIndex(manifest) ? undefined : manifest;
  const types = read?.layers.map(({ annotations }) => annotations?.[PREDICATE_TYPE]).filter((type) =>
    type !== undefined
  );
  const blobs = [...read?.layers ?? [], ...(read?.config ? [read.config] : [])];
  return {
    digest: entry.digest,
    mediaType: entry.mediaType,
    platform: isEmptyPlatform(platform) ? undefined : platform,
    annotations,
    artifactType: artifactType ?? read?.artifactType ?? "",
    layers: (read?.layers ?? []).map(({ digest, size, mediaType }) => ({ digest, size, mediaType, shared: false })),
    size: blobs.reduce((sum, { size }) => sum + Math.max(size, 0), 0),
    ...(attests === undefined ? {} : { attests }),
    ...(types?.length ? { predicateTypes: types } : {}),
    ...(typeof manifest === "string" ? { problem: manifest } : {}),
  };
}

/** Marks the layers that several instances have, at whatever depth. */
function markShared(instances: readonly DescribedInstance[]): DescribedInstance[] {
  const owners = new Map<Digest, Set<Digest>>();
  const collect = ({ digest: owner, layers, instances = [] }: DescribedInstance): void => {
    for (const { digest } of layers) owners.set(digest, (owners.get(digest) ?? new Set()).add(owner));
    instances.forEach(collect);
  };
  instances.forEach(collect);
  const mark = ({ layers, instances, ...instance }: DescribedInstance): DescribedInstance => ({
    ...instance,
    layers: layers.map((layer) => ({ ...layer, shared: owners.get(layer.digest)!.size > 1 })),
    ...(instances ? { instances: instances.map(mark) } : {}),
  });
  return instances.map(mark);
}
