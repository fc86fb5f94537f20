import type { SignalOptions } from "../internal/room.ts";
import type { Digest, NamedReference } from "../spec/room.ts";

/** A signature of the older kind: an OpenPGP message that holds what is claimed. */
export interface SimpleSignature {
  /** Tells it from the other kind. */
  readonly kind: "simple";
  /** The message, binary. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A signature of the sigstore kind, or anything else that is attached to an image in the same way. */
export interface SigstoreSignature {
  /** Tells it from the other kind. */
  readonly kind: "sigstore";
  /** Media type of the payload; signatures have {@linkcode SIGSTORE_MEDIA_TYPE}. */
  readonly mediaType: string;
  /** What is signed. */
  readonly payload: Uint8Array<ArrayBuffer>;
  /** The signature itself, and what proves it. */
  readonly annotations: Readonly<Record<string, string>>;
  /** The referrer of the image that holds it, where one does. */
  readonly referrer?: Digest | undefined;
}

/** A signature of an image, as places store them. */
export type Signature = SimpleSignature | SigstoreSignature;

/** Makes signatures of one kind with one key. Disposing it forgets a key that was held in memory. */
export interface Signer<S extends Signature = Signature> extends Partial<AsyncDisposable> {
  /** The kind of signature that it makes. */
  readonly kind: S["kind"];
  /** What reports say that it does, as in `using simple signing`. */
  readonly description: string;
  /**
   * Signs a manifest under a name, which must have a tag or a digest.
   *
   * @param manifest The exact bytes that were, or will be, written.
   * @param options.digest The digest by which the manifest is known, which is what is signed; default: by SHA-256.
   * @throws {ManifestsError} With code `SIGNING_FAILED`, or `INVALID_REFERENCE` where the name has neither.
   */
  sign(
    manifest: Uint8Array,
    identity: NamedReference,
    options?: SignalOptions & { readonly digest?: Digest | undefined },
  ): Promise<S>;
}

/** Makes signed OpenPGP messages with one key, wherever that is. */
export interface MessageSigner extends Partial<AsyncDisposable> {
  /** Fingerprint of the key that signs, in upper-case hex. */
  readonly fingerprint: string;
  /** Signs bytes; the message holds them. */
  seal(payload: Uint8Array, options?: SignalOptions): Promise<Uint8Array<ArrayBuffer>>;
}

/** Media type of a payload that a sigstore signature signs. */
export const SIGSTORE_MEDIA_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";

/** How many signatures of one manifest are read; whoever has more means harm. */
export const MAX_SIGNATURES = 127;

/** How many bytes all attached signatures of one manifest may have that are read. */
export const MAX_SIGNATURES_SIZE: number = 32 * 1024 * 1024;

/** Largest signature that is read, in bytes; also the largest payload and the largest key file. */
export const MAX_SIGNATURE_SIZE: number = 4 * 1024 * 1024;
