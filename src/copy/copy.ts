import {
  type BlobOrigin,
  type ImageReference,
  type ImageSource,
  readManifest,
  type SystemContext,
  type VerifiedManifest,
} from "../image/mod.ts";
import { allOrAbort } from "../internal/mod.ts";
import type { SignaturePolicy } from "../signature/mod.ts";
import { type Digest, isIndex } from "../spec/mod.ts";
import { type CopyEvent, createEmitter } from "./events.ts";
import { blobsOf, planCopy, type ReadImage, requireDigest, selectInstances, type Selection } from "./plan.ts";
import { createReporter } from "./report.ts";
import { retry, type RetryOptions } from "./retry.ts";
import { runPlan } from "./run.ts";

/** Options for {@linkcode copyImage}. */
export interface CopyOptions extends Selection {
  /** Which images may be copied. */
  readonly policy: SignaturePolicy;
  /** How to reach both sides. */
  readonly systemContext?: SystemContext | undefined;
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

/** Copies an image, or a list with its instances, from one place to another. */
export async function copyImage(
  from: ImageReference,
  to: ImageReference,
  options: CopyOptions,
): Promise<CopyResult> {
  const { systemContext, signal, maxRetries = 3, retryDelay, maxParallelTransfers = 8 } = options;
  requireOptions(maxRetries, maxParallelTransfers);
  const emit = createEmitter(options.onProgress);
  const retries = { maxRetries, retryDelay, emit };
  // The source first: a destination is not touched for an image that cannot even be opened.
  await using source = await from.openSource(contextForSource(systemContext, to));
  const top = await readManifest(source, { signal, maxRetries });
  const single = !isIndex(top.manifest) || options.selection === "system";
  const chosen = isIndex(top.manifest) ? selectInstances(top.manifest, options) : [undefined];
  const images = await readImages(source, top, chosen, { ...retries, signal });
  for (const { verified } of images) await requireAllowed(options.policy, from, verified.digest, signal);
  const written = single ? images[0]!.verified : top;
  requireDigest(to.dockerReference, written.digest);
  await using destination = await to.openDestination(systemContext);
  const plan = planCopy({
    top,
    images,
    single,
    abilities: destination.abilities,
  });
  const sizes = plan.blobs.map(({ descriptor }) => Math.max(descriptor.size, 0));
  emit({
    type: "planned",
    instances: plan.images.length,
    blobs: plan.blobs.length,
    bytes: sizes.reduce((a, b) => a + b, 0),
  });
  const reporter = createReporter(options.reportWriter, plan);
  await runPlan({
    plan,
    source,
    destination,
    maxParallelTransfers,
    retry: retries,
    emit,
    onImage: reporter.image,
    signal,
  });
  reporter.end();
  const name = to.dockerReference?.trimmed().withDigest(written.digest);
  return {
    digest: written.digest,
    ...(name ? { reference: String(name) } : {}),
    mediaType: written.manifest.mediaType,
    instances: new Map(images.map(({ verified }) => [verified.digest, verified.digest])),
  };
}

/** Credentials that a caller gives are for the destination: they never go to the places that a list happens to name. */
function contextForSource(context: SystemContext | undefined, { dockerReference }: ImageReference) {
  const { dockerAuthConfig, dockerBearerRegistryToken: registryToken, ...rest } = context ?? {};
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
): Promise<ReadImage[]> {
  return await allOrAbort(
    chosen.map((instance) => async (signal) => {
      const read = () => readManifest(source, { instance, signal, maxRetries: 0 });
      const verified = instance === undefined
        ? top
        : await retry(`reading instance ${instance}`, read, { ...options, signal });
      return { instance, verified, origins: await originsOf(source, instance, verified) };
    }),
    options.signal,
  );
}

async function originsOf(
  source: ImageSource,
  instance: Digest | undefined,
  { manifest }: VerifiedManifest,
): Promise<Map<Digest, BlobOrigin>> {
  const origins = new Map<Digest, BlobOrigin>();
  for (const descriptor of isIndex(manifest) ? [] : blobsOf(manifest)) {
    const origin = await source.blobOrigin?.(descriptor, { instance });
    if (origin) origins.set(descriptor.digest, origin);
  }
  return origins;
}

async function requireAllowed(
  policy: SignaturePolicy,
  { transport, policyConfigurationIdentity, policyConfigurationNamespaces }: ImageReference,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<void> {
  await policy.requireAllowed({
    transport,
    identity: policyConfigurationIdentity,
    namespaces: policyConfigurationNamespaces,
    digest,
  }, { signal });
}
