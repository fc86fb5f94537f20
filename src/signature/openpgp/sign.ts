import type { PrivateKey } from "openpgp";
import { decodeUtf8 } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import type { MessageSigner } from "../types.ts";
import { loadOpenPgp, type OpenPgp } from "./load.ts";

/** Options of {@linkcode openPgpKey}. */
export interface OpenPgpKeyOptions {
  /** What unlocks the key, as UTF-8; default: the key is not locked. The caller may wipe it afterwards. */
  readonly passphrase?: Uint8Array | undefined;
}

const DASH = 0x2d;

/**
 * Opens a secret key that is given as data, armoured or binary, to sign with it in this process, without gpg.
 *
 * @throws {ManifestsError} With code `KEY_INVALID`, `PASSPHRASE_REQUIRED` or `PASSPHRASE_WRONG`.
 */
export async function openPgpKey(key: Uint8Array, options: OpenPgpKeyOptions = {}): Promise<MessageSigner> {
  const openpgp = await loadOpenPgp();
  const privateKey = await unlock(openpgp, await readSecretKey(openpgp, key), options.passphrase);
  const signing = await chooseSigningKey(privateKey);
  return {
    fingerprint: signing.getFingerprint().toUpperCase(),
    async seal(payload, { signal } = {}) {
      signal?.throwIfAborted();
      const message = await openpgp.createMessage({ binary: payload, filename: "" });
      const sealed = await openpgp.sign({
        message,
        signingKeys: privateKey,
        signingKeyIDs: signing.getKeyID(),
        detached: false,
        format: "binary",
        // Compression wins nothing here, and the salt would be a notation that every reader must pass over.
        config: {
          preferredCompressionAlgorithm: openpgp.enums.compression.uncompressed,
          nonDeterministicSignaturesViaNotation: false,
        },
      });
      return new Uint8Array(sealed);
    },
  };
}

async function readSecretKey(openpgp: OpenPgp, key: Uint8Array): Promise<PrivateKey> {
  let keys: PrivateKey[];
  try {
    keys = key[0] === DASH
      ? await openpgp.readPrivateKeys({ armoredKeys: decodeUtf8(key) })
      : await openpgp.readPrivateKeys({ binaryKeys: key });
  } catch {
    // What the library says may quote the key.
    fail("KEY_INVALID", "it cannot be parsed");
  }
  if (keys.length !== 1) fail("KEY_INVALID", `one is needed, but ${keys.length} are there`);
  return keys[0]!;
}

async function unlock(openpgp: OpenPgp, privateKey: PrivateKey, passphrase?: Uint8Array): Promise<PrivateKey> {
  if (privateKey.isDecrypted()) return privateKey;
  if (!passphrase) fail("PASSPHRASE_REQUIRED", "it is locked and no passphrase is given");
  try {
    return await openpgp.decryptKey({ privateKey, passphrase: decodeUtf8(passphrase) });
  } catch {
    fail("PASSPHRASE_WRONG", "the passphrase does not unlock it");
  }
}

/** The primary key where it can sign: older verifiers, such as skopeo 1.9, refuse what a subkey signed. */
async function chooseSigningKey(key: PrivateKey): Promise<Awaited<ReturnType<PrivateKey["getSigningKey"]>>> {
  try {
    return await key.getSigningKey(key.getKeyID());
  } catch {
    // No signing capability in the primary key.
  }
  try {
    return await key.getSigningKey();
  } catch {
    fail("KEY_INVALID", "it cannot sign: it is expired, revoked or for another use");
  }
}

function fail(code: "KEY_INVALID" | "PASSPHRASE_REQUIRED" | "PASSPHRASE_WRONG", problem: string): never {
  throw new ManifestsError(code, `Cannot use OpenPGP secret key as ${problem}`);
}
