/** Policies for images: parsing `policy.json` and evaluating it. */
export { acceptAnything, type PolicyDecision, type SignaturePolicy } from "./decision.ts";
export type { EvaluatePolicyOptions } from "./evidence.ts";
export { matchesIdentity } from "./match_identity.ts";
export { createPolicy, parsePolicy } from "./parse.ts";
export { chooseScope, type ChosenScope, type ScopedImage } from "./scope.ts";
export type { KeyMaterial, Policy, PolicyRequirement, SignedBy, SignedIdentity, SigstoreSigned } from "./types.ts";
export {
  PolicyRejectedError,
  type RejectionReason,
  type RequirementVerdict,
  type SignatureVerdict,
  type Verdict,
} from "./verdict.ts";
export { createSignaturePolicy, evaluatePolicy, type SignaturePolicyOptions } from "./verify.ts";
