import type {
  DestinationAbilities,
  ImageDestination,
  ImageReference,
  ImageSource,
  SystemContext,
} from "../image/room.ts";
import type { SignaturePolicy, Signer } from "../signature/room.ts";
import { type Digest, getEntries, ManifestsError, type NamedReference } from "../spec/room.ts";
import { type BlobInfoCache, createBlobInfoCache } from "./blob_info_cache.ts";
import type { WrittenManifest } from "./edit_index.ts";
import { type CopyEvent, createEmitter } from "./events.ts";
import { parseManifestType } from "./formats.ts";
import { type CopyOutline, outlineImages, outlinePlan } from "./outline.ts";
import { assertDigest, planCopy } from "./plan.ts";
import { type CopyPlan, type CopySettings, listPlanned, plannedBlobs, type PlannedNode } from "./plan_types.ts";
import { type ReadOptions, readTree } from "./read.ts";
import { listNodes, type ReadNode } from "./read_types.ts";
import { parseAlgorithm, runtimeLevel } from "./recoding/mod.ts";
import { createReporter } from "./report.ts";
import type { RetryOptions } from "./retry.ts";
import { runPlan } from "./run.ts";
import type { Selection } from "./select.ts";
import { assertSignatures, readSigning, type Signing } from "./sign.ts";

/** Options for {@linkcode copyImageWith}. */
export interface CopyOptions extends Selection {
  /** Which images may be copied. */
  readonly policy: SignaturePolicy;
  /** Whether an instance is judged where a list has it from; default: by the name of the list. */
  readonly policyPerOrigin?: boolean | undefined;
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
  /** Whether to leave out the signatures of a list, and keep those of its instances. */
  readonly removeListSignatures?: boolean | undefined;
  /** Whether what is about a manifest goes with it: attestations, SBOMs, signatures. */
  readonly referrers?: boolean | undefined;
  /** The time that is recorded for what is created, where the destination records one; default: as it does it. */
  readonly destinationTimestamp?: Date | undefined;
  /** The digest that the destination must have before, `null`: nothing; default: whatever is there is replaced. */
  readonly ifMatch?: Digest | null | undefined;
  /** Whether to look for each manifest before it is written, and not to write one that is there. */
  readonly skipExisting?: boolean | undefined;
  /** Receives the lines that podman prints. */
  readonly reportWriter?: { write(text: string): unknown } | undefined;
  /** Receives what happens. */
  readonly onProgress?: ((event: CopyEvent) => void) | undefined;
  /** How often a failed step is tried again; default 3. */
  readonly maxRetries?: number | undefined;
  /** Milliseconds between tries; default: 1 s, 2 s, 4 s and so on, up to 30 s. */
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
  /** `true` if the destination's name meant this manifest before, so that nothing was written; otherwise absent. */
  readonly unchanged?: true | undefined;
  /**
   * Digest of each source instance, mapped to its digest at the destination; also for the instances of indexes inside
   * the list. Instances that were not copied again, such as those that the repository has already, are mapped to
   * themselves.
   */
  readonly instances: ReadonlyMap<Digest, Digest>;
  /** By the digest of what was written, the referrers that went with it; absent where there are none. */
  readonly referrers?: ReadonlyMap<Digest, readonly Digest[]> | undefined;
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
export async function copyImageWith(
  from: ImageReference,
  to: ImageReference,
  options: CopyOptions,
): Promise<CopyResult> {
  return await withPlan(from, to, options, (prepared) => runCopy(prepared, to, options));
}

/** What {@linkcode copyImageWith} would do. The destination is asked what it has, and not changed. */
export async function outlineCopyWith(
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
  const { signal, maxRetries = 3, maxParallelTransfers = 8, referrers = false } = options;
  requireOptions(maxRetries, maxParallelTransfers);
  const settings = readSettings(options, to);
  const signing = readSigning(options.signers ?? [], options.signIdentity, to.dockerReference);
  const systemContext = contextOf(options);
  const retries = {
    maxRetries,
    retryDelay: options.retryDelay,
    firstDelay: systemContext.retryDelay,
    emit: createEmitter(options.onProgress),
  };
  // The source first: a destination is not touched for an image that cannot even be opened.
  await using source = await from.openSource(contextForSource(systemContext, to));
  const top = await readTree(
    source,
    {
      ...retries,
      selection: options.selection,
      instances: options.instances,
      platform: options.platform,
      policy: options.policy,
      policyPerOrigin: options.policyPerOrigin ?? false,
      removeSignatures: options.removeSignatures ?? false,
      removeListSignatures: options.removeListSignatures ?? false,
      referrers,
      signal,
    } satisfies { [Name in keyof Required<ReadOptions>]: ReadOptions[Name] },
  );
  assertDigest(to.dockerReference, top.digest);
  await using destination = await to.openDestination(systemContext, { timestamp: options.destinationTimestamp });
  const { abilities } = destination;
  if (options.ifMatch !== undefined && !abilities.conditionalWrites) {
    throw new TypeError(`Cannot copy to ${to} with ifMatch as only registries can write under a condition`);
  }
  const nodes = listNodes(top);
  const signatures = [...nodes.flatMap(({ signatures }) => signatures), ...signing?.signers ?? []];
  await assertSignatures(destination, signatures, { signal });
  assertReferrers(to, abilities, nodes);
  const plan = planCopy({ top, abilities, settings });
  return await use({ plan, source, destination, retries, signing });
}

/** Signatures that are attached to images are referrers in all but form. */
function contextOf({ systemContext = {}, referrers }: CopyOptions): SystemContext {
  if (!referrers) return systemContext;
  return { ...systemContext, dockerUseSigstoreAttachments: systemContext.dockerUseSigstoreAttachments ?? true };
}

/** Fails now where referrers cannot be kept later. */
function assertReferrers(to: ImageReference, abilities: DestinationAbilities, nodes: readonly ReadNode[]): void {
  const subject = nodes.find(({ referrers }) => referrers.length > 0);
  if (!subject || abilities.referrers) return;
  throw new ManifestsError(
    "REFERRERS_NOT_SUPPORTED",
    `Cannot copy what is about ${subject.digest} to ${to} as it has no place for referrers`,
  );
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
  const { written, unchanged } = await runPlan({
    plan,
    source,
    destination,
    cache,
    maxParallelTransfers,
    defaultPlatform: options.platform,
    retry: retries,
    emit: (event) => {
      emit(event);
      if (event.type === "signing") reporter.signing(event.kind);
    },
    onImage: reporter.image,
    onManifest: reporter.manifest,
    signing,
    ifMatch: options.ifMatch,
    skipExisting: options.skipExisting ?? false,
    signal,
  });
  reporter.end();
  const { digest, mediaType } = written.get(plan.top)!;
  // Only within a registry does a name with a digest lead anywhere.
  const inRegistry = destination.abilities.mountScope !== undefined;
  const name = inRegistry ? to.dockerReference?.trimmed().withDigest(digest) : undefined;
  return {
    digest,
    ...(name ? { reference: String(name) } : {}),
    mediaType,
    ...(unchanged ? { unchanged } : {}),
    ...summarize(plan, written),
  };
}

/** The digests of instances at the destination, and the referrers that were copied. */
function summarize(
  plan: CopyPlan,
  written: ReadonlyMap<PlannedNode, WrittenManifest>,
): Pick<CopyResult, "instances" | "referrers"> {
  const instances = new Map<Digest, Digest>();
  const referrers = new Map<Digest, readonly Digest[]>();
  for (const node of listPlanned(plan.top)) {
    // An index of which a part is copied still names the other instances.
    const named = node.kind === "index" && !node.isReferrer ? getEntries(node.manifest) : [];
    for (const entry of named) if (!instances.has(entry.digest)) instances.set(entry.digest, entry.digest);
    const { source, digest } = written.get(node)!;
    const isVariant = node.kind === "image" && node.variant !== undefined;
    // A list that is pushed is no instance of itself.
    const isInstance = node !== plan.top || node.kind === "image";
    if (isInstance && !node.isReferrer && !isVariant) instances.set(source, digest);
    const about = node.referrers.map((referrer) => written.get(referrer)!.digest);
    if (about.length > 0) referrers.set(digest, about);
  }
  return { instances, ...(referrers.size > 0 ? { referrers } : {}) };
}

/** What the caller wants, checked. What the destination's name demands comes on top. */
function readSettings(options: CopyOptions, to: ImageReference): CopySettings {
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
  const blobs = images.flatMap(plannedBlobs);
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
