import type {
  DestinationAbilities,
  ImageDestination,
  ImageReference,
  ImageSource,
  SystemContext,
} from "../image/room.ts";
import { type Digest, getEntries, manifestDigest, ManifestsError } from "../spec/room.ts";
import { createBlobInfoCache } from "./blob_info_cache.ts";
import { assertLimits, type CopyOptions, getContext, getSourceContext, readSettings } from "./copy_options.ts";
import type { WrittenManifest } from "./edit_index.ts";
import { createEmitter } from "./events.ts";
import { type CopyOutline, outlineImages, outlinePlan } from "./outline.ts";
import { assertDigest, planCopy } from "./plan.ts";
import { type CopyPlan, listPlanned, listPlannedBlobs, type PlannedNode } from "./plan_types.ts";
import { type ReadOptions, readTree } from "./read.ts";
import { listNodes, type ReadNode } from "./read_types.ts";
import { createReporter } from "./report.ts";
import type { RetryOptions } from "./retry.ts";
import { runPlan } from "./run.ts";
import { assertSignaturesSupported, readSigning, type Signing } from "./sign.ts";

/** Result of a copy: the digests of the manifests that were written. */
export interface CopyResult {
  /** Digest of the manifest that the destination's name now has. */
  readonly digest: Digest;
  /** The canonical reference, `registry/repository@digest`; absent if the destination is not a registry. */
  readonly reference?: string | undefined;
  /** Media type of that manifest. */
  readonly mediaType: string;
  /** `true` if the destination's name already had this manifest; otherwise absent. */
  readonly unchanged?: true | undefined;
  /**
   * Digest of each source instance, mapped to its digest at the destination; also for the instances of nested indexes.
   * Instances that were not copied, such as those that a sparse index names, are mapped to themselves.
   */
  readonly instances: ReadonlyMap<Digest, Digest>;
  /** The digests of the copied referrers, by the digest of their subject at the destination; absent if there are none. */
  readonly referrers?: ReadonlyMap<Digest, readonly Digest[]> | undefined;
}

/** A planned copy with its open source and destination. */
interface PreparedCopy {
  readonly plan: CopyPlan;
  readonly source: ImageSource;
  readonly destination: ImageDestination;
  readonly retries: Omit<RetryOptions, "signal">;
  readonly signing: Signing | undefined;
}

/**
 * Copies an image, or a list with its instances, from one place to another. All hosts, files and policies are given by
 * the options; the wired form is `copyImage` of `system/local`.
 *
 * @throws {TypeError | RangeError} If options are invalid or contradict each other.
 * @throws {PolicyRejectedError} If the policy does not allow an image.
 * @throws {DigestMismatchError} If bytes do not match their digest, or the destination's name has another digest.
 * @throws {ManifestsError} With one of the codes of {@linkcode readTree}, {@linkcode planCopy} or `readSigning`;
 * `SIGNATURES_NOT_SUPPORTED` or `REFERRERS_NOT_SUPPORTED` if the destination cannot store them; `CONFLICT` if `ifMatch`
 * does not match; or a code of the source or destination, such as `NOT_FOUND`, `UNAUTHORIZED` or `NETWORK`.
 */
export async function copyImageWith(
  from: ImageReference,
  to: ImageReference,
  options: CopyOptions,
): Promise<CopyResult> {
  return await withPlan(from, to, options, (prepared) => runCopy(prepared, to, options));
}

/**
 * Finds out what {@linkcode copyImageWith} would do. The destination is only read.
 *
 * @throws As {@linkcode copyImageWith} does before it writes anything.
 */
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

/** Reads the source, plans the copy and calls `use` with the plan while source and destination are open. */
async function withPlan<T>(
  from: ImageReference,
  to: ImageReference,
  options: CopyOptions,
  use: (prepared: PreparedCopy) => Promise<T>,
): Promise<T> {
  const { signal, maxRetries = 3, maxParallelTransfers = 8, referrers = false } = options;
  assertLimits(maxRetries, maxParallelTransfers);
  const settings = readSettings(options, to);
  const signing = readSigning(options.signers ?? [], options.signIdentity, to.dockerReference);
  const systemContext = getContext(options);
  const retries = {
    maxRetries,
    retryDelay: options.retryDelay,
    firstDelay: systemContext.retryDelay,
    emit: createEmitter(options.onProgress),
  };
  await using early = to.opensEarly ? await connectEarly(from, to, systemContext) : undefined;
  // The source is opened and read first, so that the destination is not changed if the source cannot be read.
  await using source = await from.openSource(getSourceContext(options, from, to));
  const top = await readTree(
    source,
    {
      ...retries,
      selection: options.selection,
      instances: options.instances,
      platform: options.platform,
      policy: options.policy,
      policyPerOrigin: options.policyPerOrigin ?? false,
      keptSignatures: options.removeSignatures ? "none" : options.removeListSignatures ? "instances" : "all",
      referrers,
      signal,
    } satisfies { [Name in keyof Required<ReadOptions>]: ReadOptions[Name] },
  );
  const index = top.kind === "image" ? top.chosenFrom?.bytes : undefined;
  // The name may have the digest of the index, if the destination keeps it.
  if (!index) assertDigest(to.dockerReference, top.digest);
  await using opened = early ? undefined : await to.openDestination(systemContext, {
    timestamp: options.destinationTimestamp,
    index,
  });
  const destination = early?.destination ?? opened!;
  const { abilities } = destination;
  if (!index || !abilities.keepsIndex || manifestDigest(index) !== to.dockerReference?.digest) {
    assertDigest(to.dockerReference, top.digest);
  }
  if (options.ifMatch !== undefined && !abilities.conditionalWrites) {
    throw new TypeError(`Cannot copy to ${to}: ifMatch is supported only for registries`);
  }
  const nodes = listNodes(top);
  const signatures = [...nodes.flatMap(({ signatures }) => signatures), ...signing?.signers ?? []];
  await assertSignaturesSupported(destination, signatures, { signal });
  assertReferrersSupported(to, abilities, nodes);
  const plan = planCopy({ top, abilities, settings });
  return await use({ plan, source, destination, retries, signing });
}

/** Opens a destination and connects to it, while the source is read. A failure is reported by its first request. */
async function connectEarly(
  from: ImageReference,
  to: ImageReference,
  systemContext: SystemContext,
): Promise<AsyncDisposable & { readonly destination: ImageDestination }> {
  const destination = await to.openDestination(systemContext);
  const ended = new AbortController();
  const connecting = destination.connect?.(from, { signal: ended.signal, maxRetries: 0 }).catch(() => {});
  return {
    destination,
    async [Symbol.asyncDispose]() {
      ended.abort();
      await connecting;
      await destination[Symbol.asyncDispose]();
    },
  };
}

/** Fails before anything is written if the destination cannot store the referrers that were read. */
function assertReferrersSupported(
  to: ImageReference,
  abilities: DestinationAbilities,
  nodes: readonly ReadNode[],
): void {
  const subject = nodes.find(({ referrers }) => referrers.length > 0);
  if (!subject || abilities.referrers) return;
  throw new ManifestsError(
    "REFERRERS_NOT_SUPPORTED",
    `Cannot copy the referrers of ${subject.digest} to ${to}: the destination does not support referrers`,
  );
}

async function runCopy(
  { plan, source, destination, retries, signing }: PreparedCopy,
  to: ImageReference,
  options: CopyOptions,
): Promise<CopyResult> {
  const { systemContext = {}, signal, maxParallelTransfers } = options;
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
  // The canonical reference can be pulled only from a registry, and only registries have a mount scope.
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

/** Returns the digests of instances and referrers at the destination. */
function summarize(
  plan: CopyPlan,
  written: ReadonlyMap<PlannedNode, WrittenManifest>,
): Pick<CopyResult, "instances" | "referrers"> {
  const instances = new Map<Digest, Digest>();
  const referrers = new Map<Digest, readonly Digest[]>();
  for (const node of listPlanned(plan.top)) {
    // If only a part of an index is copied, the index still names the other instances.
    const named = node.kind === "index" && !node.isReferrer ? getEntries(node.manifest) : [];
    for (const entry of named) if (!instances.has(entry.digest)) instances.set(entry.digest, entry.digest);
    const { source, digest } = written.get(node)!;
    const isVariant = node.kind === "image" && node.variant !== undefined;
    // The top-level list is not an instance; a single image is the only instance of its copy.
    const isInstance = node !== plan.top || node.kind === "image";
    if (isInstance && !node.isReferrer && !isVariant) instances.set(source, digest);
    const copied = node.referrers.map((referrer) => written.get(referrer)!.digest);
    if (copied.length > 0) referrers.set(digest, copied);
  }
  return { instances, ...(referrers.size > 0 ? { referrers } : {}) };
}

/** Counts the images of a plan and their blobs; a blob that several images share is counted once. */
function countPlan({ images }: CopyPlan): { instances: number; blobs: number; bytes: number } {
  const blobs = images.flatMap(listPlannedBlobs);
  const sizes = new Map(blobs.map(({ descriptor: { digest, size } }) => [digest, Math.max(size, 0)]));
  return { instances: images.length, blobs: sizes.size, bytes: [...sizes.values()].reduce((a, b) => a + b, 0) };
}
