/** Attestations: signed statements about images, in the formats of cosign. */
export { isSignatureReferrer } from "./signature_bundle.ts";
