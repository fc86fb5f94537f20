import { createPolicyDecision, type ImageReference, readManifest, type SystemContext } from "../image/room.ts";
import { allOrAbort, type CallOptions, Semaphore } from "../internal/room.ts";
import {
  evaluatePolicy,
  type EvaluatePolicyOptions,
  type Policy,
  type PolicyDecision,
  PolicyRejectedError,
  type SignaturePolicy,
  type Verdict,
} from "../signature/room.ts";
import {
  type Digest,
  getEntries,
  isIndex,
  isManifestsError,
  ManifestsError,
  type ParsedManifest,
} from "../spec/room.ts";

/** Options of {@linkcode verifyWith}. */
export interface VerifyReferenceOptions extends Omit<CallOptions, "maxRetries">, Omit<EvaluatePolicyOptions, "signal"> {
  /** Access to the image: credentials, TLS, configuration files. Default: `{}`. */
  readonly systemContext?: SystemContext | undefined;
}

/** Result of checking an image or list against a policy. */
export interface ReferenceVerdict {
  /** `true` if the policy accepts the image or list and all instances. */
  readonly allowed: boolean;
  /**
   * Verdict about the image or the list itself. Verdicts of a `SignaturePolicy` with its own rules have no requirements,
   * and `signed` is `false`.
   */
  readonly top: Verdict;
  /** Digest of the manifest that was checked. */
  readonly digest: Digest;
  /** Verdicts about the instances of a list, including those of indexes inside it, by digest. */
  readonly instances: ReadonlyMap<Digest, Verdict>;
}

/** Maximum number of instances that are checked at the same time, and in total. */
const MAX_PARALLEL = 8, MAX_INSTANCES = 100_000;

/** Checks an image, or a list and each of its instances, against a policy. */
export async function verifyWith(
  reference: ImageReference,
  policy: Policy | SignaturePolicy,
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
    const verdict = "assertAllowed" in policy
      ? await askPolicy(decision, policy, signal)
      : await evaluatePolicy(decision, policy, { ...rest, signal });
    return { ...found, verdict };
  };
  const { digest, manifest, verdict: top } = await judge(undefined);
  const instances = new Map<Digest, Verdict>();
  let level = listInstances(manifest);
  while (level.length > 0) {
    const judged = await allOrAbort(
      level.map((instance) => (signal) => slots.run(() => judge(instance, signal), signal)),
      signal,
    );
    for (const { digest, verdict } of judged) instances.set(digest, verdict);
    level = [...new Set(judged.flatMap(({ manifest }) => listInstances(manifest)))].filter((d) => !instances.has(d));
    assertBounded(reference, instances.size + level.length);
  }
  return { allowed: [top, ...instances.values()].every(({ allowed }) => allowed), top, digest, instances };
}

/** Returns the decision of a policy that only accepts or rejects. */
async function askPolicy(
  decision: PolicyDecision,
  policy: SignaturePolicy,
  signal: AbortSignal | undefined,
): Promise<Verdict> {
  try {
    await policy.assertAllowed(decision, { signal });
    return { allowed: true, signed: false, scope: { requirements: [] }, requirements: [], reasons: [] };
  } catch (error) {
    if (error instanceof PolicyRejectedError) return error.verdict;
    if (!isManifestsError(error, "POLICY_REJECTED")) throw error;
    const reasons = [{ code: "POLICY_REJECTED", reason: error.message }] as const;
    return { allowed: false, signed: false, scope: { requirements: [] }, requirements: [], reasons };
  }
}

function listInstances(manifest: ParsedManifest): readonly Digest[] {
  return isIndex(manifest) ? [...new Set(getEntries(manifest).map(({ digest }) => digest))] : [];
}

function assertBounded(reference: ImageReference, count: number): void {
  if (count <= MAX_INSTANCES) return;
  throw new ManifestsError(
    "LIMIT_EXCEEDED",
    `Cannot verify ${reference}: it has more than ${MAX_INSTANCES} instances`,
  );
}
