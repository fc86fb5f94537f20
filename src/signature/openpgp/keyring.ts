import type { PublicKey } from "openpgp";
import { decodeUtf8 } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { MAX_SIGNATURE_SIZE } from "../types.ts";
import type { OpenPgp } from "./load.ts";

const DASH = 0x2d;

/**
 * Reads the public keys of some keyrings, armoured or binary. A key that is there several times becomes one, with the
 * revocations of all: an old copy must not outlive its revocation.
 *
 * @throws {ManifestsError} With code `KEY_INVALID` where one keyring cannot be read, or holds no key.
 */
export async function readKeyrings(openpgp: OpenPgp, keyrings: readonly Uint8Array[]): Promise<PublicKey[]> {
  const keys = new Map<string, PublicKey>();
  for (const keyring of keyrings) {
    for (const key of await readKeyring(openpgp, keyring)) {
      // A keyring may hold secret keys; only their public part is of use.
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
    // What the library says may quote a secret key that was given by mistake.
    fail("it cannot be parsed");
  }
  if (keys.length === 0) fail("No public keys imported");
  return keys;
}

function fail(problem: string): never {
  throw new ManifestsError("KEY_INVALID", `Cannot read OpenPGP keyring as ${problem}`);
}
