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
  /** Keys or certificates whose signatures are accepted. */
  readonly trust: SigstoreSignerTrust;
  /** Time at which certificates of a private authority must be valid. Default: the current time. */
  readonly now?: Date | undefined;
}

/** A sigstore signature that was verified. */
export interface VerifiedSigstoreSignature {
  /** The claims of the signature, verified except for `creator` and `timestamp`. */
  readonly claims: Claims;
  /** SHA-256 digest of the signer's public key in DER. */
  readonly keyDigest: Digest;
  /** Time at which the transparency log recorded the signature; `undefined` if no log entry was required. */
  readonly loggedAt?: Date | undefined;
}

/**
 * Verifies a sigstore signature: first its signer, then its claims.
 *
 * @throws {SignatureRefusedError} With code `SIGNATURE_CERTIFICATE_REJECTED`, `SIGNATURE_DIGEST_MISMATCH`,
 * `SIGNATURE_FORMAT_UNKNOWN`, `SIGNATURE_IDENTITY_MISMATCH`, `SIGNATURE_INVALID`, `SIGNATURE_LOG_REJECTED`,
 * `SIGNATURE_PAYLOAD_INVALID` or `LIMIT_EXCEEDED`.
 * @throws {ManifestsError} With code `KEY_INVALID` if any of the keys cannot be parsed.
 *
 * @example
 * ```ts
 * import { generateSigstoreKeyPair, openSigstoreSigner, verifySigstoreSignature } from "@multiarch/manifests/signature";
 * import { digestOf, parseReference } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const encode = (text: string) => new TextEncoder().encode(text);
 * const passphrase = encode("secret");
 * const { privateKey, publicKey } = await generateSigstoreKeyPair(passphrase);
 * await using signer = await openSigstoreSigner(encode(privateKey), { passphrase });
 * const signature = await signer.sign(encode("{}"), parseReference("quay.io/me/app:1"));
 * assert.equal(signature.kind, "sigstore");
 *
 * const verifying = verifySigstoreSignature(signature, {
 *   trust: { kind: "keys", publicKeys: [encode(publicKey)] },
 *   manifestDigest: digestOf(encode("another manifest")),
 *   acceptsReference: (name) => name === "quay.io/me/app:1",
 * });
 * await assert.rejects(verifying, { code: "SIGNATURE_DIGEST_MISMATCH" });
 * ```
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

/** Finds the trusted key that signed, and the time at which the log recorded the signature. */
async function findSigner(
  signature: SigstoreSignature,
  raw: Uint8Array<ArrayBuffer>,
  { trust, now = new Date() }: VerifySigstoreOptions,
): Promise<{ key: PublicKey; loggedAt?: Date | undefined }> {
  if (trust.kind === "keys") {
    // All keys are parsed first: an invalid key is an error even if another key matches.
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

/** Returns the decoded signature of an attachment, which must be a signature. */
function rawSignature({ mediaType, annotations }: SigstoreSignature): Uint8Array<ArrayBuffer> {
  if (mediaType !== SIGSTORE_MEDIA_TYPE) {
    refuse(
      "SIGNATURE_FORMAT_UNKNOWN",
      `attachment of type ${JSON.stringify(mediaType.slice(0, 100))} is not a signature`,
    );
  }
  const text = Object.hasOwn(annotations, ANNOTATIONS.signature) ? annotations[ANNOTATIONS.signature]! : undefined;
  if (text === undefined) refuse("SIGNATURE_INVALID", `missing ${ANNOTATIONS.signature} annotation`);
  return decodeStrictBase64(text) ?? refuse("SIGNATURE_INVALID", `${ANNOTATIONS.signature} annotation is not base64`);
}
