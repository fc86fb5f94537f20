/**
 * Signatures of images: creating and verifying them, and evaluating the policies that require them.
 *
 * @module
 */
export { openPgpKey, type OpenPgpKeyOptions } from "./openpgp/mod.ts";
export type { Claims, ExpectedClaims } from "./payload.ts";
export {
  acceptAnything,
  type ChosenScope,
  createPolicy,
  createSignaturePolicy,
  evaluatePolicy,
  type EvaluatePolicyOptions,
  type KeyMaterial,
  parsePolicy,
  type Policy,
  type PolicyDecision,
  PolicyRejectedError,
  type PolicyRequirement,
  type RejectionReason,
  type RequirementVerdict,
  type SignaturePolicy,
  type SignaturePolicyOptions,
  type SignatureVerdict,
  type SignedBy,
  type SignedIdentity,
  type SigstoreSigned,
  type Verdict,
} from "./policy/mod.ts";
export {
  createSimpleSigner,
  type SignerOptions,
  type VerifiedSimpleSignature,
  type VerifySimpleOptions,
  verifySimpleSignature,
} from "./simple_signing.ts";
export {
  generateSigstoreKeyPair,
  openSigstoreSigner,
  type RekorOptions,
  type SigstoreKeyPair,
  type SigstoreSignerOptions,
  type SigstoreSignerTrust,
  type VerifiedSigstoreSignature,
  type VerifySigstoreOptions,
  verifySigstoreSignature,
} from "./sigstore/mod.ts";
export type { MessageSigner, Signature, Signer, SigstoreSignature, SimpleSignature } from "./types.ts";
