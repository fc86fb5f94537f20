import type { SignalOptions } from "../../internal/room.ts";

/** A signed message whose signature has been verified. */
export interface OpenedMessage {
  /** The content that was signed. */
  readonly body: Uint8Array;
  /** Fingerprint of the signing primary key or subkey, in upper-case hex. */
  readonly fingerprint: string;
  /** Fingerprint of the primary key to which the signing key belongs, in upper-case hex. */
  readonly primaryFingerprint: string;
}

/** Options of {@linkcode OpenMessage}. */
export interface OpenMessageOptions extends SignalOptions {
  /** Time at which keys and signatures must be valid. Default: the current time. The gpg program ignores it. */
  readonly now?: Date | undefined;
}

/**
 * Verifies a signed message with the keys of keyrings, each armored or binary. Every key in them is trusted.
 *
 * @throws {SignatureRefusedError} With code `SIGNATURE_EXPIRED`, `SIGNATURE_INVALID`, `SIGNATURE_KEY_EXPIRED`,
 * `SIGNATURE_KEY_REVOKED`, `SIGNATURE_KEY_UNKNOWN`, `SIGNATURE_MESSAGE_INVALID`, `SIGNATURE_WEAK` or `LIMIT_EXCEEDED`.
 * @throws {ManifestsError} With code `KEY_INVALID`.
 */
export type OpenMessage = (
  message: Uint8Array<ArrayBuffer>,
  keyrings: readonly Uint8Array[],
  options?: OpenMessageOptions,
) => Promise<OpenedMessage>;
