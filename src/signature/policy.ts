import type { SignalOptions } from "../internal/mod.ts";
import type { Digest, NamedReference } from "../spec/mod.ts";
import type { Signature } from "./types.ts";

/** What a policy decides about. */
export interface PolicyDecision {
  /** Transport of the source. */
  readonly transport: string;
  /** The scope that is looked up first. */
  readonly identity: string;
  /** The scopes that are looked up next. */
  readonly namespaces: readonly string[];
  /** The name in a registry, where it is one. */
  readonly dockerReference?: NamedReference | undefined;
  /** The manifest that is about to be copied. */
  readonly manifest: Uint8Array<ArrayBuffer>;
  /** Its digest. */
  readonly digest: Digest;
  /** Reads its signatures, of which nothing is believed yet. */
  readonly readSignatures: () => Promise<readonly Signature[]>;
}

/** Says which images may be used. Consulted once per manifest, before anything is copied. */
export interface SignaturePolicy {
  /** Returns where the image may be used; throws an error with code `POLICY_REJECTED` where it may not. */
  requireAllowed(decision: PolicyDecision, options?: SignalOptions): Promise<void>;
}

/** The policy that lets everything pass, as libimage pushes local lists. */
export const acceptAnything: SignaturePolicy = {
  requireAllowed: () => Promise.resolve(),
};
