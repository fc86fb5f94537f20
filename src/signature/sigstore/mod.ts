/** Sigstore signatures: keys, creating and verifying signatures, and storing them in registries. */
export {
  attachedSignature,
  type Attachment,
  attachmentTag,
  attachSignatures,
  missingSignatures,
  parseAttachment,
  type StoredAttachment,
} from "./attachment.ts";
export { generateSigstoreKeyPair, type SigstoreKeyPair } from "./keys.ts";
export { encodePem } from "./pem.ts";
export type { RekorOptions } from "./rekor_client.ts";
export { openSigstoreSigner, type SigstoreSignerOptions } from "./signer.ts";
export { type VerifiedSigstoreSignature, type VerifySigstoreOptions, verifySigstoreSignature } from "./verify.ts";
export { createSignatureReferrer, SIGNATURE_ARTIFACT_TYPE } from "./signature_referrer.ts";
export type { SigstoreSignerTrust } from "./trust.ts";
