import type { PolicyDecision, SignaturePolicy } from "./decision.ts";
import { type EvaluatePolicyOptions, Evidence } from "./evidence.ts";
import { judgeSignatures } from "./require_signature.ts";
import { chooseScope } from "./scope.ts";
import type { Policy, PolicyRequirement } from "./types.ts";
import { PolicyRejectedError, type RejectionReason, type RequirementVerdict, type Verdict } from "./verdict.ts";

/**
 * Evaluates a policy for an image. All requirements of the matching scope must be met; evaluation ends at the first
 * that is not.
 *
 * @throws {DigestMismatchError} With code `DIGEST_MISMATCH` if the manifest does not have the given digest.
 *
 * @example
 * ```ts
 * import { createPolicy, evaluatePolicy } from "@multiarch/manifests/signature";
 * import { digestOf } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const manifest = new TextEncoder().encode("{}");
 * const policy = createPolicy({ default: [{ type: "reject" }] });
 * const image = { transport: "dir", identity: "/tmp/image", namespaces: ["/tmp"], digest: digestOf(manifest), manifest };
 * const { allowed, reasons } = await evaluatePolicy(image, policy);
 * assert.equal(allowed, false);
 * assert.equal(reasons[0]?.reason, "Running image dir:/tmp/image is rejected by policy.");
 * ```
 */
export async function evaluatePolicy(
  image: PolicyDecision,
  policy: Policy,
  options: EvaluatePolicyOptions = {},
): Promise<Verdict> {
  options.signal?.throwIfAborted();
  const evidence = new Evidence(image, options);
  const scope = chooseScope(policy, image);
  const requirements: RequirementVerdict[] = [];
  for (const requirement of scope.requirements) {
    const verdict = await judge(requirement, evidence);
    requirements.push(verdict);
    if (!verdict.allowed) return refused(verdict.refusal, { scope, requirements });
  }
  if (requirements.length === 0) {
    const reason = "List of verification policy requirements must not be empty";
    return refused({ code: "POLICY_INVALID", reason }, { scope, requirements });
  }
  const signed = requirements.some(({ signatures }) => signatures.some(({ accepted }) => accepted));
  return { allowed: true, signed, scope, requirements, reasons: [] };
}

function refused(refusal: RejectionReason | undefined, account: Pick<Verdict, "scope" | "requirements">): Verdict {
  const { scope, requirements } = account;
  return { allowed: false, signed: false, scope, requirements, reasons: refusal ? [refusal] : [] };
}

async function judge(requirement: PolicyRequirement, evidence: Evidence): Promise<RequirementVerdict> {
  const refuseWith = (refusal: RejectionReason) => ({ requirement, allowed: false, refusal, signatures: [] });
  switch (requirement.type) {
    case "insecureAcceptAnything":
      return { requirement, allowed: true, signatures: [] };
    case "reject":
      return refuseWith({
        code: "POLICY_REJECTED",
        reason: `Running image ${getImageName(evidence.decision)} is rejected by policy.`,
      });
    case "signedBaseLayer":
      return refuseWith({ code: "POLICY_NOT_SUPPORTED", reason: "signedBaseLayer not implemented yet!" });
    case "signedBy":
    case "sigstoreSigned":
      return await judgeSignatures(requirement, evidence);
    default:
      requirement satisfies never;
      return refuseWith({ code: "POLICY_NOT_SUPPORTED", reason: "Unknown policy requirement type" });
  }
}

function getImageName({ image, transport, identity }: PolicyDecision): string {
  return image ?? `${transport}:${identity}`;
}

/** Options of {@linkcode createSignaturePolicy}. */
export interface SignaturePolicyOptions extends Omit<EvaluatePolicyOptions, "signal"> {
  /** Require a signature even if the policy accepts unsigned images. Default: `false`. */
  readonly requireSigned?: boolean | undefined;
}

/**
 * Creates the decision function of a policy, for copies and pushes.
 *
 * @returns A policy that throws {@linkcode PolicyRejectedError} for an image that may not be used.
 *
 * @example
 * ```ts
 * import { copyIndex, create } from "@multiarch/manifests/remote";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import { createPolicy, createSignaturePolicy } from "@multiarch/manifests/signature";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * await create().push("registry.example/app:1", { systemContext });
 * const signaturePolicy = createSignaturePolicy(createPolicy({ default: [{ type: "reject" }] }));
 * const copying = copyIndex("registry.example/app:1", "registry.example/copy:1", { systemContext, signaturePolicy });
 * await assert.rejects(copying, { code: "POLICY_REJECTED" });
 * ```
 */
export function createSignaturePolicy(policy: Policy, options: SignaturePolicyOptions = {}): SignaturePolicy {
  return {
    async assertAllowed(decision, { signal } = {}) {
      const verdict = await evaluatePolicy(decision, policy, { ...options, signal });
      if (!verdict.allowed) throw new PolicyRejectedError(getImageName(decision), verdict);
      if (!options.requireSigned || verdict.signed) return;
      const reason = `No signature verification policy found for image ${getImageName(decision)}`;
      throw new PolicyRejectedError(getImageName(decision), refused({ code: "SIGNATURE_MISSING", reason }, verdict));
    },
  };
}
