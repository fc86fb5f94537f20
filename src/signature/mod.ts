/**
 * Signatures of images: making them, storing them, and whether images may be believed.
 *
 * @module
 */
export { encodeSignature, parseSignature } from "./blob.ts";
export {
  type OpenedMessage,
  type OpenMessage,
  openMessage,
  type OpenMessageOptions,
  openPgpKey,
  type OpenPgpKeyOptions,
} from "./openpgp/mod.ts";
export type { Claims, ExpectedClaims } from "./payload.ts";
export { acceptAnything, type PolicyDecision, type SignaturePolicy } from "./policy.ts";
export { SignatureRefusedError } from "./refusal.ts";
export {
  createSimpleSigner,
  type MessageSigner,
  type SignerOptions,
  type VerifiedSimpleSignature,
  type VerifySimpleOptions,
  verifySimpleSignature,
} from "./simple_signing.ts";
export {
  MAX_SIGNATURE_SIZE,
  MAX_SIGNATURES,
  type Signature,
  type Signer,
  SIGSTORE_MEDIA_TYPE,
  type SigstoreSignature,
  type SimpleSignature,
} from "./types.ts";
