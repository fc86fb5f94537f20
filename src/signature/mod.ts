/**
 * Whether images may be believed: the seam at which signatures and policy are consulted.
 *
 * @module
 */
export { acceptAnything, type PolicyDecision, type SignaturePolicy } from "./policy.ts";
