/** Attestations: signed statements about images, in the formats of cosign. */
export {
  type Assembly,
  type AssemblyBuilder,
  type AssemblySource,
  createAssemblyPredicate,
  PROVENANCE_TYPE,
  readAssemblyPredicate,
} from "./assembly.ts";
export { createAttestationLayer } from "./attestation_layer.ts";
export { encodeBundle, parseBundle, parseEnvelope } from "./bundle.ts";
export { createBundleReferrer, findBundle } from "./bundle_referrer.ts";
export { type Envelope, ENVELOPE_MEDIA_TYPE } from "./envelope.ts";
export { isSignatureReferrer } from "./signature_bundle.ts";
export { encodeStatement, parseStatement, SIGN_PREDICATE_TYPE, type StatementSubject } from "./statement.ts";
export { type VerifiedStatement, verifyEnvelope } from "./verify.ts";
