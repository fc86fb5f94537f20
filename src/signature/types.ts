import type { SignalOptions } from "../internal/room.ts";
import type { Digest, NamedReference } from "../spec/room.ts";

/** A simple signature: an OpenPGP message that contains its claims. */
export interface SimpleSignature {
  /** Discriminates the two kinds of signatures. */
  readonly kind: "simple";
  /** The signed OpenPGP message in binary form (not armored). */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A sigstore signature, or another attachment that registries store in the same way. */
export interface SigstoreSignature {
  /** Discriminates the two kinds of signatures. */
  readonly kind: "sigstore";
  /** Media type of the payload. Signatures have `application/vnd.dev.cosign.simplesigning.v1+json`. */
  readonly mediaType: string;
  /** The bytes that are signed. */
  readonly payload: Uint8Array<ArrayBuffer>;
  /** The base64-encoded signature, and certificates or log entries that belong to it. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Digest of the referrer that stores the signature; `undefined` if it is stored in another way. */
  readonly referrer?: Digest | undefined;
}

/** A signature of an image, as registries and directories store it. */
export type Signature = SimpleSignature | SigstoreSignature;

/** Creates signatures of one kind with one key. Disposing it wipes secrets that it holds in memory. */
export interface Signer<S extends Signature = Signature> extends Partial<AsyncDisposable> {
  /** The kind of signature that it creates. */
  readonly kind: S["kind"];
  /** Description for progress reports, as in `using simple signing`. */
  readonly description: string;
  /**
   * Signs a manifest under a name, which must have a tag or a digest.
   *
   * @param manifest The exact bytes of the manifest in its destination.
   * @param options.digest The manifest's digest to sign, if its algorithm is not SHA-256. Default: the SHA-256 digest.
   * @throws {ManifestsError} With code `SIGNING_FAILED`, `PASSPHRASE_REQUIRED`, `PASSPHRASE_WRONG`,
   * `SIGNING_UNAVAILABLE`, `DIGEST_MISMATCH`, `NETWORK` or `LIMIT_EXCEEDED`.
   * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE` if the name has neither tag nor digest.
   */
  sign(
    manifest: Uint8Array,
    identity: NamedReference,
    options?: SignalOptions & { readonly digest?: Digest | undefined },
  ): Promise<S>;
  /**
   * Signs a statement (in-toto) for an attestation, such as provenance. Absent: the signer cannot sign statements.
   *
   * @returns The signature over the statement in its envelope (DSSE), and the public key in DER.
   */
  signStatement?(
    statement: Uint8Array<ArrayBuffer>,
  ): Promise<{ readonly signature: Uint8Array<ArrayBuffer>; readonly publicKey: Uint8Array<ArrayBuffer> }>;
}

/** Creates signed OpenPGP messages with one key: in memory, in a gpg keyring or on a smart card. */
export interface MessageSigner extends Partial<AsyncDisposable> {
  /** Fingerprint of the key that signs, in upper-case hex. */
  readonly fingerprint: string;
  /** Signs bytes and returns a message that contains them. */
  seal(payload: Uint8Array, options?: SignalOptions): Promise<Uint8Array<ArrayBuffer>>;
}

/** Media type of a payload that a sigstore signature signs. */
export const SIGSTORE_MEDIA_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";

/** Maximum number of signatures that are read for one manifest. More is treated as an attack. */
export const MAX_SIGNATURES = 127;

/** Maximum total size of the attached signatures that are read for one manifest, in bytes. */
export const MAX_SIGNATURES_SIZE: number = 32 * 1024 * 1024;

/** Maximum size of a signature, of a payload and of a key file, in bytes. */
export const MAX_SIGNATURE_SIZE: number = 4 * 1024 * 1024;
