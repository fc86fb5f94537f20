import type { PrivateKey } from "openpgp";
import { decodeUtf8 } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import type { MessageSigner } from "../types.ts";
import { loadOpenPgp, type OpenPgp } from "./load.ts";

/** Options of {@linkcode openPgpKey}. */
export interface OpenPgpKeyOptions {
  /** Passphrase of the key, in UTF-8. Default: the key is not locked. The caller may wipe it afterwards. */
  readonly passphrase?: Uint8Array | undefined;
}

const DASH = 0x2d;

/**
 * Opens a secret key, armored or binary, to sign in this process, without gpg.
 *
 * @throws {ManifestsError} With code `KEY_INVALID`, `PASSPHRASE_REQUIRED` or `PASSPHRASE_WRONG`.
 *
 * @example
 * ```ts
 * import { openPgpKey } from "@multiarch/manifests/signature";
 * import assert from "node:assert/strict";
 * import { generateKey } from "openpgp";
 *
 * const { privateKey } = await generateKey({ userIDs: [{ name: "Me" }] });
 * const { fingerprint } = await openPgpKey(new TextEncoder().encode(privateKey));
 * assert.match(fingerprint, /^[0-9A-F]{40}$/);
 * ```
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
        // The payload is too small to gain from compression, and the salt would be a notation that readers must ignore.
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
    // The library's message may quote the key.
    fail("KEY_INVALID", "it cannot be parsed");
  }
  if (keys.length !== 1) fail("KEY_INVALID", `expected one key, found ${keys.length}`);
  return keys[0]!;
}

async function unlock(openpgp: OpenPgp, privateKey: PrivateKey, passphrase?: Uint8Array): Promise<PrivateKey> {
  if (privateKey.isDecrypted()) return privateKey;
  if (!passphrase) fail("PASSPHRASE_REQUIRED", "it is locked: pass its passphrase");
  try {
    return await openpgp.decryptKey({ privateKey, passphrase: decodeUtf8(passphrase) });
  } catch {
    fail("PASSPHRASE_WRONG", "wrong passphrase");
  }
}

/** Chooses the primary key if it can sign: older verifiers, such as skopeo 1.9, reject signatures of subkeys. */
async function chooseSigningKey(key: PrivateKey): Promise<Awaited<ReturnType<PrivateKey["getSigningKey"]>>> {
  try {
    return await key.getSigningKey(key.getKeyID());
  } catch {
    // The primary key cannot sign.
  }
  try {
    return await key.getSigningKey();
  } catch {
    fail("KEY_INVALID", "it cannot sign: it is expired, revoked or for another purpose");
  }
}

function fail(code: "KEY_INVALID" | "PASSPHRASE_REQUIRED" | "PASSPHRASE_WRONG", problem: string): never {
  throw new ManifestsError(code, `Cannot use OpenPGP secret key: ${problem}`);
}
