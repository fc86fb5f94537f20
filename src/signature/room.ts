/**
 * Signatures of images: creating, storing and verifying them, and policies for images.
 *
 * @module
 */
export { encodeSignature, parseSignature } from "./blob.ts";
export { isSignatureReferrer } from "./attestation/mod.ts";
export {
  type OpenedMessage,
  type OpenMessage,
  openMessage,
  openPgpKey,
  type OpenPgpKeyOptions,
} from "./openpgp/mod.ts";
export type { Claims, ExpectedClaims } from "./payload.ts";
export {
  acceptAnything,
  chooseScope,
  type ChosenScope,
  createPolicy,
  createSignaturePolicy,
  evaluatePolicy,
  type EvaluatePolicyOptions,
  type KeyMaterial,
  matchesIdentity,
  parsePolicy,
  type Policy,
  type PolicyDecision,
  PolicyRejectedError,
  type PolicyRequirement,
  type RequirementVerdict,
  type ScopedImage,
  type SignaturePolicy,
  type SignaturePolicyOptions,
  type SignatureVerdict,
  type SignedBy,
  type SignedIdentity,
  type SigstoreSigned,
  type Verdict,
} from "./policy/mod.ts";
export { SignatureRefusedError } from "./refusal.ts";
export {
  createSimpleSigner,
  type SignerOptions,
  type VerifiedSimpleSignature,
  type VerifySimpleOptions,
  verifySimpleSignature,
} from "./simple_signing.ts";
export {
  attachedSignature,
  type Attachment,
  attachmentTag,
  attachSignatures,
  createSignatureReferrer,
  generateSigstoreKeyPair,
  missingSignatures,
  openSigstoreSigner,
  parseAttachment,
  type RekorOptions,
  SIGNATURE_ARTIFACT_TYPE,
  type SigstoreKeyPair,
  type SigstoreSignerOptions,
  type SigstoreSignerTrust,
  type StoredAttachment,
  type VerifiedSigstoreSignature,
  type VerifySigstoreOptions,
  verifySigstoreSignature,
} from "./sigstore/mod.ts";
export {
  MAX_SIGNATURE_SIZE,
  MAX_SIGNATURES,
  MAX_SIGNATURES_SIZE,
  type MessageSigner,
  type Signature,
  type Signer,
  SIGSTORE_MEDIA_TYPE,
  type SigstoreSignature,
  type SimpleSignature,
} from "./types.ts";
