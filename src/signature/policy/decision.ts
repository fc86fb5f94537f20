import type { SignalOptions } from "../../internal/room.ts";
import type { Digest, NamedReference } from "../../spec/room.ts";
import type { Signature } from "../types.ts";

/** The subject of a policy decision: a manifest, and the name under which it is to be used. */
export interface PolicyDecision {
  /** Name of the source's transport, such as `docker`. */
  readonly transport: string;
  /** The most specific scope of the image: looked up first. */
  readonly identity: string;
  /** Broader scopes, most specific first: looked up next. */
  readonly namespaces: readonly string[];
  /** Digest of the manifest to be used. */
  readonly digest: Digest;
  /** Name of the image for messages, as in `docker://quay.io/me/app:1`. Default: transport and identity. */
  readonly image?: string | undefined;
  /** Name of the image in a registry; `undefined` if it has none, so that only `exact…` identities can match. */
  readonly dockerReference?: NamedReference | undefined;
  /**
   * `true` if the manifest is an instance of the named list: a digest in the name is then that of the list, and not
   * compared with the signature.
   *
   * @default {false}
   */
  readonly isInstance?: boolean | undefined;
  /** The exact bytes of the manifest. `undefined`: no signature can be accepted. */
  readonly manifest?: Uint8Array | undefined;
  /** Reads the manifest's signatures. Called at most once. `undefined`: the image has no signatures. */
  readonly readSignatures?: ((options?: SignalOptions) => Promise<readonly Signature[]>) | undefined;
}

/** Decides which images may be used. A copy consults it once per manifest, before anything is written. */
export interface SignaturePolicy {
  /** Returns if the image may be used; otherwise throws an error with code `POLICY_REJECTED`. */
  assertAllowed(decision: PolicyDecision, options?: SignalOptions): Promise<void>;
}

/** A policy that accepts every image, which libimage uses to push local lists. */
export const acceptAnything: SignaturePolicy = {
  assertAllowed: () => Promise.resolve(),
};
