import type { SignalOptions } from "../../internal/room.ts";

/** A signed message whose signature was verified. */
export interface OpenedMessage {
  /** What was signed. */
  readonly body: Uint8Array;
  /** Fingerprint of the key that signed, in upper-case hex: a primary key's or a subkey's. */
  readonly fingerprint: string;
  /** Fingerprint of the primary key that it belongs to. */
  readonly primaryFingerprint: string;
}

/** Options of {@linkcode OpenMessage}. */
export interface OpenMessageOptions extends SignalOptions {
  /** What counts as now, for keys and signatures that expire; default: now. Ignored by the gpg binary. */
  readonly now?: Date | undefined;
}

/**
 * Verifies a signed message with the keys of some keyrings, each armoured or binary; every key in them is trusted.
 *
 * @throws {ManifestsError} With a code that begins with `SIGNATURE_`, or `KEY_INVALID`.
 */
export type OpenMessage = (
  message: Uint8Array<ArrayBuffer>,
  keyrings: readonly Uint8Array[],
  options?: OpenMessageOptions,
) => Promise<OpenedMessage>;
