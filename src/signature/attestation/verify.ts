import { type Digest, digestOf } from "../../spec/room.ts";
import { refuse } from "../refusal.ts";
import { findVerifying } from "../sigstore/key.ts";
import { readPublicKey } from "../sigstore/keys.ts";
import { bytesToSign, type Envelope } from "./envelope.ts";
import { isAbout, parseStatement, type Statement } from "./statement.ts";

/** A statement whose signature was verified. */
export interface VerifiedStatement {
  /** The statement that was signed. */
  readonly statement: Statement;
  /** SHA-256 digest of the signer's public key in DER. */
  readonly keyDigest: Digest;
}

/**
 * Verifies an attestation of a manifest: first its signer, then its subject.
 *
 * @param publicKeys Public keys in PEM; a signature by any of them is accepted.
 * @throws {SignatureRefusedError} With code `SIGNATURE_INVALID`, `SIGNATURE_PAYLOAD_INVALID` or
 * `SIGNATURE_DIGEST_MISMATCH`.
 * @throws {ManifestsError} With code `KEY_INVALID` if any of the keys cannot be parsed.
 */
export async function verifyEnvelope(
  { payload, signatures }: Envelope,
  publicKeys: readonly Uint8Array[],
  digest: Digest,
): Promise<VerifiedStatement> {
  const keys = await Promise.all(publicKeys.map(readPublicKey));
  const bytes = bytesToSign(payload);
  for (const signature of signatures) {
    const key = await findVerifying(keys, bytes, signature);
    if (!key) continue;
    const statement = parseStatement(payload);
    if (isAbout(statement, digest)) return { statement, keyDigest: digestOf(key.spki) };
    refuse("SIGNATURE_DIGEST_MISMATCH", `the statement is not about ${digest}`);
  }
  refuse("SIGNATURE_INVALID", "cryptographic signature verification failed");
}
