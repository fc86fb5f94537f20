/**
 * Signatures of images: creating, storing and verifying them, and policies for images.
 *
 * @module
 */
export { encodeSignature, parseSignature } from "./blob.ts";
export {
  type Assembly,
  type AssemblyBuilder,
  type AssemblySource,
  createAssemblyPredicate,
  createAttestationLayer,
  createBundleReferrer,
  encodeBundle,
  encodeStatement,
  type Envelope,
  ENVELOPE_MEDIA_TYPE,
  findBundle,
  isSignatureReferrer,
  parseBundle,
  parseEnvelope,
  parseStatement,
  PROVENANCE_TYPE,
  readAssemblyPredicate,
  SIGN_PREDICATE_TYPE,
  type StatementSubject,
  type VerifiedStatement,
  verifyEnvelope,
} from "./attestation/mod.ts";
export { openMessage, openPgpKey } from "./openpgp/mod.ts";
export {
  acceptAnything,
  chooseScope,
  createPolicy,
  createSignaturePolicy,
  evaluatePolicy,
  type EvaluatePolicyOptions,
  matchesIdentity,
  parsePolicy,
  type Policy,
  type PolicyDecision,
  PolicyRejectedError,
  type SignaturePolicy,
  type SignedIdentity,
  type Verdict,
} from "./policy/mod.ts";
export { SignatureRefusedError } from "./refusal.ts";
export { createSimpleSigner, verifySimpleSignature } from "./simple_signing.ts";
export {
  attachedSignature,
  type Attachment,
  attachmentTag,
  attachSignatures,
  createSignatureReferrer,
  encodePem,
  generateSigstoreKeyPair,
  missingSignatures,
  openSigstoreSigner,
  parseAttachment,
  type RekorOptions,
  SIGNATURE_ARTIFACT_TYPE,
  type SigstoreKeyPair,
  type SigstoreSignerTrust,
  type StoredAttachment,
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
