import type { SignalOptions } from "../../internal/room.ts";
import type { Digest, NamedReference } from "../../spec/room.ts";
import type { Signature } from "../types.ts";

/** What a policy decides about: one manifest, and the name by which it is about to be used. */
export interface PolicyDecision {
  /** Transport of the source. */
  readonly transport: string;
  /** The scope that is looked up first. */
  readonly identity: string;
  /** The scopes that are looked up next. */
  readonly namespaces: readonly string[];
  /** Digest of the manifest that is about to be copied. */
  readonly digest: Digest;
  /** The name as reports show it, as in `docker://quay.io/me/app:1`; default: of transport and identity. */
  readonly image?: string | undefined;
  /** The name in a registry; `undefined`: the place knows none, so only `exact…` identities can match. */
  readonly dockerReference?: NamedReference | undefined;
  /** Whether it is an instance of the list that the name means, so that a digest in the name is another. */
  readonly isInstance?: boolean | undefined;
  /** The exact bytes of the manifest; `undefined`: nothing can be signed, so no signature is accepted. */
  readonly manifest?: Uint8Array | undefined;
  /** Reads the manifest's signatures; called at most once, if at all. `undefined`: there are none. */
  readonly readSignatures?: ((options?: SignalOptions) => Promise<readonly Signature[]>) | undefined;
}

/** Says which images may be used. Consulted once per manifest, before anything is copied. */
export interface SignaturePolicy {
  /** Returns where the image may be used; throws an error with code `POLICY_REJECTED` where it may not. */
  assertAllowed(decision: PolicyDecision, options?: SignalOptions): Promise<void>;
}

/** The policy that lets everything pass, as libimage pushes local lists. */
export const acceptAnything: SignaturePolicy = {
  assertAllowed: () => Promise.resolve(),
};
