import { createPolicyDecision, type ImageReference, readManifest, type SystemContext } from "../image/room.ts";
import { allOrAbort, type CallOptions, Semaphore } from "../internal/room.ts";
import { evaluatePolicy, type EvaluatePolicyOptions, type Policy, type Verdict } from "../signature/room.ts";
import { type Digest, getEntries, isIndex, ManifestsError, type ParsedManifest } from "../spec/room.ts";

/** Options of {@linkcode verifyReference}. */
export interface VerifyReferenceOptions extends Omit<CallOptions, "maxRetries">, Omit<EvaluatePolicyOptions, "signal"> {
  /** How to reach the image. */
  readonly systemContext?: SystemContext | undefined;
}

/** What is to be thought of an image or list. */
export interface ReferenceVerdict {
  /** Whether all of it may be believed. */
  readonly allowed: boolean;
  /** The verdict about the image or the list itself. */
  readonly top: Verdict;
  /** Digest of the manifest that was judged. */
  readonly digest: Digest;
  /** The verdicts about the instances of a list, and those of indexes inside it, by digest. */
  readonly instances: ReadonlyMap<Digest, Verdict>;
}

/** How many instances are judged together, and how many at most. */
const MAX_PARALLEL = 8, MAX_INSTANCES = 100_000;

/** Judges an image, or a list and each of its instances, under a policy. */
export async function verifyReference(
  reference: ImageReference,
  policy: Policy,
  options: VerifyReferenceOptions = {},
): Promise<ReferenceVerdict> {
  const { systemContext, ...rest } = options;
  const { signal } = options;
  await using source = await reference.openSource(systemContext);
  const slots = new Semaphore(MAX_PARALLEL);
  const judge = async (instance: Digest | undefined, signal = options.signal) => {
    const found = await readManifest(source, { instance, signal });
    const { digest } = found;
    const isInstance = instance !== undefined;
    const readSignatures = async () => await source.getSignatures?.({ digest, isInstance }, { signal }) ?? [];
    const decision = createPolicyDecision(reference, found, { isInstance, readSignatures });
    const verdict = await evaluatePolicy(decision, policy, { ...rest, signal });
    return { ...found, verdict };
  };
  const { digest, manifest, verdict: top } = await judge(undefined);
  const instances = new Map<Digest, Verdict>();
  let level = instancesOf(manifest);
  while (level.length > 0) {
    const judged = await allOrAbort(
      level.map((instance) => (signal) => slots.run(() => judge(instance, signal), signal)),
      signal,
    );
    for (const { digest, verdict } of judged) instances.set(digest, verdict);
    level = [...new Set(judged.flatMap(({ manifest }) => instancesOf(manifest)))].filter((d) => !instances.has(d));
    refuseEndless(reference, instances.size + level.length);
  }
  return { allowed: [top, ...instances.values()].every(({ allowed }) => allowed), top, digest, instances };
}

function instancesOf(manifest: ParsedManifest): readonly Digest[] {
  return isIndex(manifest) ? [...new Set(getEntries(manifest).map(({ digest }) => digest))] : [];
}

function refuseEndless(reference: ImageReference, count: number): void {
  if (count <= MAX_INSTANCES) return;
  throw new ManifestsError(
    "LIMIT_EXCEEDED",
    `Cannot verify ${reference} as it has more than ${MAX_INSTANCES} instances`,
  );
}
