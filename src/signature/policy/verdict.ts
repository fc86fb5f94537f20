import { type ErrorCode, ManifestsError } from "../../spec/room.ts";
import type { VerifiedSigstoreSignature } from "../sigstore/verify.ts";
import type { VerifiedSimpleSignature } from "../simple_signing.ts";
import type { ChosenScope } from "./scope.ts";
import type { PolicyRequirement } from "./types.ts";

/** Why something is refused. */
export interface RejectionReason {
  /** One word. */
  readonly code: ErrorCode;
  /** The words that users of podman and skopeo know. */
  readonly reason: string;
}

/** What became of one signature under one requirement. */
export type SignatureVerdict =
  | { readonly accepted: true; readonly kind: "simple"; readonly verified: VerifiedSimpleSignature }
  | { readonly accepted: true; readonly kind: "sigstore"; readonly verified: VerifiedSigstoreSignature }
  | { readonly accepted: false; readonly refusal: RejectionReason };

/** What became of one requirement. */
export interface RequirementVerdict {
  /** The requirement. */
  readonly requirement: PolicyRequirement;
  /** Whether it is met. */
  readonly allowed: boolean;
  /** Why not; `undefined` where it is. */
  readonly refusal?: RejectionReason | undefined;
  /** The signatures that were looked at, up to the first that was accepted. */
  readonly signatures: readonly SignatureVerdict[];
}

/** Whether an image may be believed, and why. */
export interface Verdict {
  /** Whether. */
  readonly allowed: boolean;
  /** Whether at least one signature was required, verified and accepted. */
  readonly signed: boolean;
  /** The part of the policy that applied. */
  readonly scope: ChosenScope;
  /** The requirements that were looked at, up to the first that is not met. */
  readonly requirements: readonly RequirementVerdict[];
  /** Why not; empty where it is allowed. */
  readonly reasons: readonly RejectionReason[];
}

/** An image that a policy does not let be used. */
export class PolicyRejectedError extends ManifestsError {
  /** Error name. */
  override readonly name: string = "PolicyRejectedError";
  /** The whole account. */
  readonly verdict: Verdict;

  /** Creates the error for an image. */
  constructor(image: string, verdict: Verdict) {
    super("POLICY_REJECTED", `Cannot use ${image}: Source image rejected: ${verdict.reasons[0]?.reason ?? "refused"}`);
    this.verdict = verdict;
  }
}

/** What an error says as a refusal. */
export function toRejection(error: ManifestsError & { reason?: string }): RejectionReason {
  return { code: error.code, reason: error.reason ?? error.message };
}
