import type { KeyObject } from "node:crypto";
import { decodeStrictBase64 } from "../../internal/mod.ts";
import { type Digest, digestOf } from "../../spec/mod.ts";
import { checkClaims, type Claims, type ExpectedClaims, parsePayload } from "../payload.ts";
import { refuse } from "../refusal.ts";
import { SIGSTORE_MEDIA_TYPE, type SigstoreSignature } from "../types.ts";
import { ANNOTATIONS } from "./annotations.ts";
import { type FulcioTrust, leafCertificate, type PkiTrust, verifyFulcio, verifyPki } from "./certified_key.ts";
import { readPublicKey, spkiOf } from "./keys.ts";
import { verifyBytes } from "./raw_signature.ts";
import { verifyLogEntry } from "./log_entry.ts";

/** Trust in public keys. */
export interface KeyTrust {
  /** Tells it from other kinds of trust. */
  readonly kind: "keys";
  /** Public keys, PEM; a signature by any of them will do. */
  readonly publicKeys: readonly Uint8Array[];
  /** Public keys of a transparency log, PEM, one of which must have logged the signature; default: none need have. */
  readonly rekorPublicKeys?: readonly Uint8Array[] | undefined;
}

/** Who may have signed. */
export type SigstoreSignerTrust = KeyTrust | FulcioTrust | PkiTrust;

/** Options of {@linkcode verifySigstoreSignature}. */
export interface VerifySigstoreOptions extends ExpectedClaims {
  /** Who may have signed. */
  readonly trust: SigstoreSignerTrust;
  /** What counts as now, for certificates; default: now. */
  readonly now?: Date | undefined;
}

/** What is known of a sigstore signature that was accepted. */
export interface VerifiedSigstoreSignature {
  /** What it claims, all of it checked but its creator and time. */
  readonly claims: Claims;
  /** Digest of the public key that signed, in its DER form. */
  readonly keyDigest: Digest;
  /** When the transparency log took it in; `undefined` where none was asked. */
  readonly loggedAt?: Date | undefined;
}

/**
 * Verifies a sigstore signature: first what signed it, then what it claims.
 *
 * @throws {ManifestsError} With a code that begins with `SIGNATURE_`, or `KEY_INVALID` where any of the keys cannot be
 * read.
 */
export function verifySigstoreSignature(
  signature: SigstoreSignature,
  options: VerifySigstoreOptions,
): VerifiedSigstoreSignature {
  const raw = rawSignature(signature);
  const { key, loggedAt } = findSigner(signature, raw, options);
  if (!verifyBytes(key, signature.payload, raw)) failCryptographically();
  const claims = parsePayload("cosign container image signature", signature.payload);
  checkClaims(claims, options);
  return { claims, keyDigest: digestOf(spkiOf(key)), loggedAt };
}

/** The key that signed, trusted, and when the log took the signature in. */
function findSigner(
  signature: SigstoreSignature,
  raw: Uint8Array,
  { trust, now = new Date() }: VerifySigstoreOptions,
): { key: KeyObject; loggedAt?: Date | undefined } {
  if (trust.kind === "keys") {
    // All of them are read first: a key that cannot be is an error even where another one fits.
    const [keys, rekorKeys] = [trust.publicKeys.map(readPublicKey), trust.rekorPublicKeys?.map(readPublicKey)];
    const key = keys.find((key) => verifyBytes(key, signature.payload, raw)) ?? failCryptographically();
    return { key, loggedAt: rekorKeys && verifyLogEntry(signature, { rekorKeys, raw, signer: spkiOf(key) }) };
  }
  const leaf = leafCertificate(signature);
  if (trust.kind === "pki") {
    verifyPki(leaf, signature, trust, now);
    return { key: leaf.publicKey };
  }
  const rekorKeys = trust.rekorPublicKeys.map(readPublicKey);
  const loggedAt = verifyLogEntry(signature, { rekorKeys, raw, signer: leaf.der });
  verifyFulcio(leaf, signature, trust, loggedAt);
  return { key: leaf.publicKey, loggedAt };
}

function failCryptographically(): never {
  refuse("SIGNATURE_INVALID", "cryptographic signature verification failed");
}

/** The signature itself, of a payload that is one. */
function rawSignature({ mediaType, annotations }: SigstoreSignature): Uint8Array {
  if (mediaType !== SIGSTORE_MEDIA_TYPE) {
    refuse("SIGNATURE_FORMAT_UNKNOWN", `attachment of type ${JSON.stringify(mediaType.slice(0, 100))} is no signature`);
  }
  const text = Object.hasOwn(annotations, ANNOTATIONS.signature) ? annotations[ANNOTATIONS.signature]! : undefined;
  if (text === undefined) refuse("SIGNATURE_INVALID", `missing ${ANNOTATIONS.signature} annotation`);
  return decodeStrictBase64(text) ?? refuse("SIGNATURE_INVALID", `${ANNOTATIONS.signature} annotation is not base64`);
}
