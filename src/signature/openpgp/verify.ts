import type { PublicKey, SignaturePacket, VerifyMessageResult } from "openpgp";
import { startsLikeMessage } from "../blob.ts";
import { refuse } from "../refusal.ts";
import { readKeyrings } from "./keyring.ts";
import { loadOpenPgp, type OpenPgp } from "./load.ts";
import { plainMessage } from "./message.ts";
import type { OpenedMessage, OpenMessageOptions } from "./opened.ts";

type VerificationResult = VerifyMessageResult["signatures"][number];

/** Minimum size of an RSA key, in bits (NIST SP 800-131A). */
const MIN_RSA_BITS = 2048;

/**
 * Verifies a signed message in this process, without gpg. It must have one signature over binary content, by a key of
 * the keyrings that was valid when it signed and is valid now.
 *
 * @throws {SignatureRefusedError} With code `SIGNATURE_EXPIRED`, `SIGNATURE_INVALID`, `SIGNATURE_KEY_EXPIRED`,
 * `SIGNATURE_KEY_REVOKED`, `SIGNATURE_KEY_UNKNOWN`, `SIGNATURE_MESSAGE_INVALID`, `SIGNATURE_WEAK` or `LIMIT_EXCEEDED`.
 * @throws {ManifestsError} With code `KEY_INVALID`.
 */
export async function openMessage(
  bytes: Uint8Array<ArrayBuffer>,
  keyrings: readonly Uint8Array[],
  options: OpenMessageOptions = {},
): Promise<OpenedMessage> {
  const now = options.now ?? new Date();
  options.signal?.throwIfAborted();
  if (!startsLikeMessage(bytes)) {
    refuse("SIGNATURE_MESSAGE_INVALID", "Invalid GPG signature: it is not a binary OpenPGP message");
  }
  const plain = await plainMessage(bytes);
  const openpgp = await loadOpenPgp();
  const keys = await readKeyrings(openpgp, keyrings);
  const { result, body } = await verifyMessage(openpgp, plain, keys, now);
  const primary = chooseKey(keys, result);
  const signature = (await result.signature).packets[0]!;
  await assertKeyIsValid(primary, result, now);
  assertVerified(await outcome(result.verified));
  assertNotExpired(signature, now);
  options.signal?.throwIfAborted();
  return {
    body,
    fingerprint: primary.getKeys(result.keyID)[0]!.getFingerprint().toUpperCase(),
    primaryFingerprint: primary.getFingerprint().toUpperCase(),
  };
}

async function verifyMessage(
  openpgp: OpenPgp,
  binaryMessage: Uint8Array,
  verificationKeys: PublicKey[],
  date: Date,
): Promise<{ result: VerificationResult; body: Uint8Array }> {
  const { signatures, data } = await readVerified(openpgp, { binaryMessage, verificationKeys, date });
  const [result] = signatures;
  if (!result || signatures.length !== 1) {
    refuse("SIGNATURE_MESSAGE_INVALID", `Invalid GPG signature: Unexpected GPG signature count ${signatures.length}`);
  }
  // If the key is refused first, these are never awaited: a rejection must not become an unhandled one.
  result.verified.catch(() => {});
  result.signature.catch(() => {});
  return { result, body: data as Uint8Array };
}

interface ReadOptions {
  binaryMessage: Uint8Array;
  verificationKeys: PublicKey[];
  date: Date;
}

async function readVerified(openpgp: OpenPgp, { binaryMessage, ...options }: ReadOptions) {
  try {
    const message = await openpgp.readMessage({ binaryMessage });
    return await openpgp.verify({ message, format: "binary", ...options });
  } catch (cause) {
    refuse("SIGNATURE_MESSAGE_INVALID", "Invalid GPG signature: message cannot be parsed", { cause });
  }
}

/** Finds the primary key of the claimed signer. Two keys with the same short id cannot be distinguished. */
function chooseKey(keys: readonly PublicKey[], { keyID }: VerificationResult): PublicKey {
  const candidates = keys.filter((key) => key.getKeys(keyID).length > 0);
  const id = keyID.toHex().toUpperCase();
  if (candidates.length === 0) refuse("SIGNATURE_KEY_UNKNOWN", `signature by key ${id} is not accepted`);
  if (candidates.length > 1) refuse("SIGNATURE_KEY_UNKNOWN", `signature by key ${id}: several keys have this id`);
  return candidates[0]!;
}

/** Asserts that the key is valid now, as gpg does. The library only checks it for the time of the signature. */
async function assertKeyIsValid(key: PublicKey, { keyID }: VerificationResult, now: Date): Promise<void> {
  const id = keyID.toHex().toUpperCase();
  const subkey = key.getSubkeys(keyID)[0];
  const revoked = await key.isRevoked(undefined, undefined, now) ||
    await subkey?.isRevoked(undefined as never, undefined as never, now);
  if (revoked) refuse("SIGNATURE_KEY_REVOKED", `Invalid GPG signature: key ${id} is revoked`);
  const ends = [await key.getExpirationTime(), await subkey?.getExpirationTime(now)];
  if (ends.some((end) => end instanceof Date && end <= now)) {
    refuse("SIGNATURE_KEY_EXPIRED", `Invalid GPG signature: key ${id} is expired`);
  }
  const { bits } = key.getKeys(keyID)[0]!.getAlgorithmInfo();
  if (bits !== undefined && bits < MIN_RSA_BITS) {
    refuse("SIGNATURE_WEAK", `Invalid GPG signature: key ${id} has only ${bits} bits`);
  }
  const problem = await outcome(key.getSigningKey(keyID, now));
  if (problem) refuse("SIGNATURE_INVALID", `Invalid GPG signature: key ${id} cannot sign now: ${problem.message}`);
}

function assertVerified(problem: Error | undefined): void {
  if (!problem) return;
  const code = /insecure/i.test(problem.message)
    ? "SIGNATURE_WEAK"
    : /expired/i.test(problem.message)
    ? "SIGNATURE_EXPIRED"
    : "SIGNATURE_INVALID";
  refuse(code, `Invalid GPG signature: ${problem.message}`, { cause: problem });
}

function assertNotExpired(signature: SignaturePacket, now: Date): void {
  const end = signature.getExpirationTime();
  if (end instanceof Date && end <= now) refuse("SIGNATURE_EXPIRED", "Invalid GPG signature: Signature is expired");
}

async function outcome(work: Promise<unknown>): Promise<Error | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
