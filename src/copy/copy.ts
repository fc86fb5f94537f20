import {
  type BlobOrigin,
  type ImageDestination,
  type ImageReference,
  type ImageSource,
  readManifest,
  type SystemContext,
  type VerifiedManifest,
} from "../image/mod.ts";
import { allOrAbort } from "../internal/mod.ts";
import type { Signature, SignaturePolicy, Signer } from "../signature/mod.ts";
import { type Descriptor, type Digest, isIndex, type NamedReference } from "../spec/mod.ts";
import { type BlobInfoCache, createBlobInfoCache } from "./blob_info_cache.ts";
import { parseAlgorithm, runtimeLevel } from "./recoding/mod.ts";
import { type CopyEvent, createEmitter } from "./events.ts";
import { parseManifestType } from "./formats.ts";
import { type CopyOutline, outlineImages, outlinePlan } from "./outline.ts";
import { type CopyPlan, type CopyWishes, planCopy, type ReadImage, requireDigest } from "./plan.ts";
import { createReporter } from "./report.ts";
import { retry, type RetryOptions } from "./retry.ts";
import { runPlan } from "./run.ts";
import { selectInstances, type Selection } from "./select.ts";
import { readSigning, refuseSignatures, type Signing } from "./sign.ts";

/** Options for {@linkcode copyImage}. */
export interface CopyOptions extends Selection {
  /** Which images may be copied. */
  readonly policy: SignaturePolicy;
  /** Whether an instance is judged where a list has it from; default: by the name of the list. */
  readonly judgesOrigins?: boolean | undefined;
  /** How to reach both sides. */
  readonly systemContext?: SystemContext | undefined;
  /** Opens what is known of blobs from earlier copies; default: nothing is. */
  readonly openBlobInfoCache?: ((context: SystemContext) => Promise<BlobInfoCache>) | undefined;
  /** Media type of the manifests to write; that of a list stands for its instances. Default: what fits best. */
  readonly manifestType?: string | undefined;
  /** Compressions that every platform of a list shall have: `gzip`, `zstd`, `zstd:chunked`. */
  readonly addCompression?: readonly string[] | undefined;
  /** Whether layers that are compressed otherwise are compressed anew; wants `systemContext.compressionFormat`. */
  readonly forceCompressionFormat?: boolean | undefined;
  /** Whether to fail rather than to change a manifest. */
  readonly preserveDigests?: boolean | undefined;
  /** Sign every manifest that is written. */
  readonly signers?: readonly Signer[] | undefined;
  /** The name that is signed, with a tag or digest; default: the destination's. */
  readonly signIdentity?: NamedReference | undefined;
  /** Whether to leave out the signatures that the source has. */
  readonly removeSignatures?: boolean | undefined;
  /** The digest that the destination must have before, `null`: nothing; default: whatever is there is replaced. */
  readonly ifMatch?: Digest | null | undefined;
  /** Receives the lines that podman prints. */
  readonly reportWriter?: { write(text: string): unknown } | undefined;
  /** Receives what happens. */
  readonly onProgress?: ((event: CopyEvent) => void) | undefined;
  /** How often a failed step is tried again; default 3. */
  readonly maxRetries?: number | undefined;
  /** Milliseconds between tries; default: exponential, with jitter. */
  readonly retryDelay?: number | undefined;
  /** How many blobs are moved at once; default 8. */
  readonly maxParallelTransfers?: number | undefined;
  /** Ends the copy. */
  readonly signal?: AbortSignal | undefined;
}

/** What a copy wrote. */
export interface CopyResult {
  /** Digest of the manifest that the destination's name now means. */
  readonly digest: Digest;
  /** The canonical reference, `registry/repository@digest`; absent where the destination is no registry. */
  readonly reference?: string | undefined;
  /** Media type of that manifest. */
  readonly mediaType: string;
  /** For every instance that was copied, the digest under which it was written. */
  readonly instances: ReadonlyMap<Digest, Digest>;
}

/** A copy of which everything is known, and nothing is done yet. */
interface PreparedCopy {
  readonly plan: CopyPlan;
  readonly source: ImageSource;
  readonly destination: ImageDestination;
  readonly retries: Omit<RetryOptions, "signal">;
  readonly signing: Signing | undefined;
}

/** Copies an image, or a list with its instances, from one place to another. */
export async function copyImage(
  from: ImageReference,
  to: ImageReference,
  options: CopyOptions,
): Promise<CopyResult> {
  return await withPlan(from, to, options, (prepared) => runCopy(prepared, to, options));
}

/** What {@linkcode copyImage} would do. The destination is asked what it has, and not changed. */
export async function outlineCopy(
  from: ImageReference,
  to: ImageReference,
  options: CopyOptions,
): Promise<CopyOutline> {
  return await withPlan(
    from,
    to,
    options,
    ({ plan, destination }) => outlinePlan(plan, destination, options.signal),
  );
}

/** Reads what there is, plans, and does something with the plan. */
async function withPlan<T>(
  from: ImageReference,
  to: ImageReference,
  options: CopyOptions,
  use: (prepared: PreparedCopy) => Promise<T>,
): Promise<T> {
  const { systemContext = {}, signal, maxRetries = 3, retryDelay, maxParallelTransfers = 8 } = options;
  requireOptions(maxRetries, maxParallelTransfers);
  const wishes = readWishes(options, to);
  const signing = readSigning(options.signers ?? [], options.signIdentity, to.dockerReference);
  const emit = createEmitter(options.onProgress);
  const retries = { maxRetries, retryDelay, emit };
  // The source first: a destination is not touched for an image that cannot even be opened.
  await using source = await from.openSource(contextForSource(systemContext, to));
  const top = await readManifest(source, { signal, maxRetries });
  const single = !isIndex(top.manifest) || options.selection === "system";
  const chosen = isIndex(top.manifest) ? selectInstances(top.manifest, options) : [undefined];
  const images = await readImages(source, top, chosen, { ...retries, signal });
  const signatures = new SignatureReader(source, options.removeSignatures ?? false, signal);
  for (const image of images) {
    const { instance } = image;
    const origin = options.judgesOrigins && instance ? await source.originOf?.(instance) : undefined;
    await requireAllowed(options.policy, origin ?? source.reference, image, signatures);
  }
  const signed = await Promise.all(
    images.map(async (image) => ({ ...image, signatures: await signatures.toCopy(image) })),
  );
  const topSignatures = single ? [] : await signatures.toCopy({ instance: undefined, verified: top });
  requireDigest(to.dockerReference, single ? images[0]!.verified.digest : top.digest);
  await using destination = await to.openDestination(systemContext);
  const all = [...topSignatures, ...signed.flatMap(({ signatures }) => signatures), ...signing?.signers ?? []];
  await refuseSignatures(destination, all, { signal });
  if (options.ifMatch !== undefined && !destination.abilities.conditionalWrites) {
    throw new TypeError(`Cannot copy to ${to} with ifMatch as only registries can write under a condition`);
  }
  const plan = planCopy({ top, topSignatures, images: signed, single, abilities: destination.abilities, wishes });
  return await use({ plan, source, destination, retries, signing });
}

async function runCopy(
  { plan, source, destination, retries, signing }: PreparedCopy,
  to: ImageReference,
  options: CopyOptions,
): Promise<CopyResult> {
  const { systemContext = {}, signal, maxParallelTransfers = 8 } = options;
  const { emit } = retries;
  emit({ type: "planned", ...countPlan(plan), images: outlineImages(plan) });
  const reporter = createReporter(options.reportWriter, plan);
  await using cache = await (options.openBlobInfoCache?.(systemContext) ?? createBlobInfoCache());
  const { top: written, written: instances } = await runPlan({
    plan,
    source,
    destination,
    cache,
    maxParallelTransfers,
    platformOfNone: options.wanted,
    retry: retries,
    emit: (event) => {
      emit(event);
      if (event.type === "signing") reporter.signing(event.kind);
    },
    onImage: reporter.image,
    signing,
    ifMatch: options.ifMatch,
    signal,
  });
  reporter.end();
  // Only within a registry does a name with a digest lead anywhere.
  const inRegistry = destination.abilities.mountScope !== undefined;
  const name = inRegistry ? to.dockerReference?.trimmed().withDigest(written.digest) : undefined;
  return {
    digest: written.digest,
    ...(name ? { reference: String(name) } : {}),
    mediaType: written.mediaType,
    instances: new Map(instances.filter(({ besides }) => !besides).map(({ source, digest }) => [source, digest])),
  };
}

/** What the caller wants, checked. What the destination's name demands comes on top. */
function readWishes(options: CopyOptions, to: ImageReference): CopyWishes {
  const { manifestType, addCompression = [], forceCompressionFormat, preserveDigests, systemContext = {} } = options;
  const { compressionFormat, compressionLevel } = systemContext;
  if (forceCompressionFormat && !compressionFormat) {
    throw new TypeError("Cannot copy as forceCompressionFormat wants a compressionFormat in the system context");
  }
  const format = compressionFormat ? parseAlgorithm(compressionFormat) : undefined;
  // Now, not when the first layer comes: whether there is such a level.
  runtimeLevel(format ?? "gzip", compressionLevel);
  return {
    manifestType: manifestType ? parseManifestType(manifestType) : undefined,
    compressionFormat: format,
    compressionLevel,
    forceCompressionFormat,
    addCompression: [...new Set(addCompression.map(parseAlgorithm))],
    fixed: preserveDigests
      ? "the caller wants digests preserved"
      : to.dockerReference?.digest && "the destination specifies a digest",
  };
}

/** Counts what a plan moves: each blob once, though many images may have it. */
function countPlan({ images }: CopyPlan): { instances: number; blobs: number; bytes: number } {
  const blobs = images.flatMap(({ layers, config }) => [...layers, ...(config ? [config] : [])]);
  const sizes = new Map(blobs.map(({ descriptor: { digest, size } }) => [digest, Math.max(size, 0)]));
  return { instances: images.length, blobs: sizes.size, bytes: [...sizes.values()].reduce((a, b) => a + b, 0) };
}

/** Credentials that a caller gives are for the destination: they never go to the places that a list happens to name. */
function contextForSource(context: SystemContext, { dockerReference }: ImageReference): SystemContext {
  const { dockerAuthConfig, dockerBearerRegistryToken: registryToken, ...rest } = context;
  if (!dockerReference) return context;
  const own = dockerAuthConfig || registryToken
    ? { ...dockerAuthConfig, ...(registryToken ? { registryToken } : {}) }
    : undefined;
  return { ...rest, credentials: { ...(own ? { [dockerReference.domain]: own } : {}), ...rest.credentials } };
}

function requireOptions(maxRetries: number, maxParallelTransfers: number): void {
  if (!Number.isInteger(maxRetries) || maxRetries < 0) {
    throw new RangeError(`Cannot copy as maxRetries must be a number from 0: current value is ${maxRetries}`);
  }
  if (!Number.isInteger(maxParallelTransfers) || maxParallelTransfers < 1) {
    throw new RangeError(
      `Cannot copy as maxParallelTransfers must be a number from 1: current value is ${maxParallelTransfers}`,
    );
  }
}

/** Reads the manifests of the chosen instances, all at once: each host has a bound of its own. */
async function readImages(
  source: ImageSource,
  top: VerifiedManifest,
  chosen: readonly (Digest | undefined)[],
  options: Omit<RetryOptions, "signal"> & { signal: AbortSignal | undefined },
): Promise<Omit<ReadImage, "signatures">[]> {
  return await allOrAbort(
    chosen.map((instance) => async (signal) => {
      const read = () => readManifest(source, { instance, signal, maxRetries: 0 });
      const verified = instance === undefined
        ? top
        : await retry(`reading instance ${instance}`, read, { ...options, signal });
      const { manifest } = verified;
      if (isIndex(manifest)) return { instance, verified, layers: undefined, origins: new Map() };
      const layers = await source.layersForCopy?.(manifest, { instance, signal });
      const blobs = [...layers ?? manifest.layers, ...(manifest.config ? [manifest.config] : [])];
      return { instance, verified, layers, origins: await originsOf(source, instance, blobs) };
    }),
    options.signal,
  );
}

async function originsOf(
  source: ImageSource,
  instance: Digest | undefined,
  blobs: readonly Descriptor[],
): Promise<Map<Digest, BlobOrigin>> {
  const origins = new Map<Digest, BlobOrigin>();
  for (const descriptor of blobs) {
    const origin = await source.blobOrigin?.(descriptor, { instance });
    if (origin) origins.set(descriptor.digest, origin);
  }
  return origins;
}

async function requireAllowed(
  policy: SignaturePolicy,
  reference: ImageReference,
  image: Omit<ReadImage, "signatures">,
  signatures: SignatureReader,
): Promise<void> {
  const { transport, policyConfigurationIdentity, policyConfigurationNamespaces, dockerReference } = reference;
  const { digest, manifest } = image.verified;
  await policy.requireAllowed({
    transport,
    identity: policyConfigurationIdentity,
    namespaces: policyConfigurationNamespaces,
    image: String(reference),
    dockerReference,
    isInstance: image.instance !== undefined,
    manifest: manifest.bytes,
    digest,
    readSignatures: () => signatures.read(image),
  }, { signal: signatures.signal });
}

/** The signatures of images, each read once, and not before somebody wants them. */
class SignatureReader {
  readonly signal: AbortSignal | undefined;
  readonly #source: ImageSource;
  readonly #removed: boolean;
  readonly #read = new Map<Digest | undefined, Promise<readonly Signature[]>>();

  constructor(source: ImageSource, removed: boolean, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#removed = removed;
    this.signal = signal;
  }

  /** All of an image's. */
  read({ instance, verified: { digest } }: Pick<ReadImage, "instance" | "verified">): Promise<readonly Signature[]> {
    let reading = this.#read.get(instance);
    if (!reading) {
      const manifest = { digest, isInstance: instance !== undefined };
      reading = Promise.resolve(this.#source.getSignatures?.(manifest, { signal: this.signal }) ?? []);
      this.#read.set(instance, reading);
    }
    return reading;
  }

  /** Those that go with it. */
  toCopy(image: Pick<ReadImage, "instance" | "verified">): Promise<readonly Signature[]> {
    return this.#removed ? Promise.resolve([]) : this.read(image);
  }
}
