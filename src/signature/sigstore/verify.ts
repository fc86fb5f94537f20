import { decodeStrictBase64 } from "../../internal/room.ts";
import { type Digest, digestOf } from "../../spec/room.ts";
import { assertClaims, type Claims, type ExpectedClaims, parsePayload } from "../payload.ts";
import { refuse } from "../refusal.ts";
import { SIGSTORE_MEDIA_TYPE, type SigstoreSignature } from "../types.ts";
import { ANNOTATIONS } from "./annotations.ts";
import { leafCertificate, verifyFulcio, verifyPki } from "./certified_key.ts";
import { findVerifying, type PublicKey } from "./key.ts";
import { readPublicKey } from "./keys.ts";
import { verifyLogEntry } from "./log_entry.ts";
import type { SigstoreSignerTrust } from "./trust.ts";

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
export async function verifySigstoreSignature(
  signature: SigstoreSignature,
  options: VerifySigstoreOptions,
): Promise<VerifiedSigstoreSignature> {
  const raw = rawSignature(signature);
  const { key, loggedAt } = await findSigner(signature, raw, options);
  if (!(await key.verify(signature.payload, raw))) failCryptographically();
  const claims = parsePayload("cosign container image signature", signature.payload);
  assertClaims(claims, options);
  return { claims, keyDigest: digestOf(key.spki), loggedAt };
}

/** The key that signed, trusted, and when the log took the signature in. */
async function findSigner(
  signature: SigstoreSignature,
  raw: Uint8Array<ArrayBuffer>,
  { trust, now = new Date() }: VerifySigstoreOptions,
): Promise<{ key: PublicKey; loggedAt?: Date | undefined }> {
  if (trust.kind === "keys") {
    // All of them are read first: a key that cannot be is an error even where another one fits.
    const keys = await readAll(trust.publicKeys);
    const rekorKeys = trust.rekorPublicKeys && await readAll(trust.rekorPublicKeys);
    const key = await findVerifying(keys, signature.payload, raw) ?? failCryptographically();
    return { key, loggedAt: rekorKeys && await verifyLogEntry(signature, { rekorKeys, raw, signer: key.spki }) };
  }
  const leaf = leafCertificate(signature);
  if (trust.kind === "pki") {
    verifyPki(leaf, signature, trust, now);
    return { key: leaf.publicKey };
  }
  const rekorKeys = await readAll(trust.rekorPublicKeys);
  const loggedAt = await verifyLogEntry(signature, { rekorKeys, raw, signer: leaf.der });
  verifyFulcio(leaf, signature, trust, loggedAt);
  return { key: leaf.publicKey, loggedAt };
}

async function readAll(files: readonly Uint8Array[]): Promise<PublicKey[]> {
  return await Promise.all(files.map(readPublicKey));
}

function failCryptographically(): never {
  refuse("SIGNATURE_INVALID", "cryptographic signature verification failed");
}

/** The signature itself, of a payload that is one. */
function rawSignature({ mediaType, annotations }: SigstoreSignature): Uint8Array<ArrayBuffer> {
  if (mediaType !== SIGSTORE_MEDIA_TYPE) {
    refuse("SIGNATURE_FORMAT_UNKNOWN", `attachment of type ${JSON.stringify(mediaType.slice(0, 100))} is no signature`);
  }
  const text = Object.hasOwn(annotations, ANNOTATIONS.signature) ? annotations[ANNOTATIONS.signature]! : undefined;
  if (text === undefined) refuse("SIGNATURE_INVALID", `missing ${ANNOTATIONS.signature} annotation`);
  return decodeStrictBase64(text) ?? refuse("SIGNATURE_INVALID", `${ANNOTATIONS.signature} annotation is not base64`);
}
