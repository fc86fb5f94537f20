import { type ErrorCode, ManifestsError } from "../../spec/room.ts";
import type { VerifiedSigstoreSignature } from "../sigstore/verify.ts";
import type { VerifiedSimpleSignature } from "../simple_signing.ts";
import type { ChosenScope } from "./scope.ts";
import type { PolicyRequirement } from "./types.ts";

/** The reason for a rejection. */
export interface RejectionReason {
  /** Stable code of the reason, for programs. */
  readonly code: ErrorCode;
  /** Explanation in the words of podman and skopeo. */
  readonly reason: string;
}

/** Result of verifying one signature for one requirement. */
export type SignatureVerdict =
  | { readonly accepted: true; readonly kind: "simple"; readonly verified: VerifiedSimpleSignature }
  | { readonly accepted: true; readonly kind: "sigstore"; readonly verified: VerifiedSigstoreSignature }
  | { readonly accepted: false; readonly refusal: RejectionReason };

/** Result of evaluating one requirement. */
export interface RequirementVerdict {
  /** The requirement that was evaluated. */
  readonly requirement: PolicyRequirement;
  /** Whether the requirement is met. */
  readonly allowed: boolean;
  /** The reason for the rejection; `undefined` if the requirement is met. */
  readonly refusal?: RejectionReason | undefined;
  /** Results for the signatures that were verified, up to the first accepted one. */
  readonly signatures: readonly SignatureVerdict[];
}

/** Result of evaluating a policy for an image. */
export interface Verdict {
  /** Whether the policy accepts the image. */
  readonly allowed: boolean;
  /** Whether at least one signature was required, verified and accepted. */
  readonly signed: boolean;
  /** The part of the policy that applied. */
  readonly scope: ChosenScope;
  /** Results for the requirements, up to the first that is not met. */
  readonly requirements: readonly RequirementVerdict[];
  /** Reasons for the rejection; empty if the image is allowed. */
  readonly reasons: readonly RejectionReason[];
}

/** Thrown when a policy rejects an image. Code: `POLICY_REJECTED`. */
export class PolicyRejectedError extends ManifestsError {
  /** Name of the error class. */
  override readonly name: string = "PolicyRejectedError";
  /** The complete result of the evaluation. */
  readonly verdict: Verdict;

  /** Creates the error for a rejected image. */
  constructor(image: string, verdict: Verdict) {
    super("POLICY_REJECTED", `Cannot use ${image}: Source image rejected: ${verdict.reasons[0]?.reason ?? "refused"}`);
    this.verdict = verdict;
  }
}

/** Converts an error to a reason for rejection. */
export function toRejection(error: ManifestsError & { reason?: string }): RejectionReason {
  return { code: error.code, reason: error.reason ?? error.message };
}
