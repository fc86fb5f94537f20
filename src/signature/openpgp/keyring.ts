import type { PublicKey } from "openpgp";
import { decodeUtf8 } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { MAX_SIGNATURE_SIZE } from "../types.ts";
import type { OpenPgp } from "./load.ts";

const DASH = 0x2d;

/**
 * Reads the public keys of keyrings, armored or binary. Copies of one key are merged with all their revocations, so
 * that an old copy cannot undo a revocation.
 *
 * @throws {ManifestsError} With code `KEY_INVALID` if a keyring cannot be parsed, is too large or contains no key.
 */
export async function readKeyrings(openpgp: OpenPgp, keyrings: readonly Uint8Array[]): Promise<PublicKey[]> {
  const keys = new Map<string, PublicKey>();
  for (const keyring of keyrings) {
    for (const key of await readKeyring(openpgp, keyring)) {
      // A keyring may contain secret keys: only their public parts are needed.
      const publicKey = key.toPublic();
      const known = keys.get(publicKey.getFingerprint());
      keys.set(publicKey.getFingerprint(), known ? await known.update(publicKey) : publicKey);
    }
  }
  return [...keys.values()];
}

async function readKeyring(openpgp: OpenPgp, keyring: Uint8Array): Promise<PublicKey[]> {
  if (keyring.length > MAX_SIGNATURE_SIZE) fail(`it is larger than ${MAX_SIGNATURE_SIZE} bytes`);
  let keys: PublicKey[];
  try {
    keys = keyring[0] === DASH
      ? await openpgp.readKeys({ armoredKeys: decodeUtf8(keyring) }) as PublicKey[]
      : await openpgp.readKeys({ binaryKeys: keyring }) as PublicKey[];
  } catch {
    // The library's message may quote a secret key that was passed by mistake.
    fail("it cannot be parsed");
  }
  if (keys.length === 0) fail("No public keys imported");
  return keys;
}

function fail(problem: string): never {
  throw new ManifestsError("KEY_INVALID", `Cannot read OpenPGP keyring: ${problem}`);
}
