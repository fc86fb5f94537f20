import { decodeStrictBase64, encodeBase64, findNodeCrypto } from "../../internal/room.ts";
import { encodeGoJson, type GoJsonValue, isObject, parseJson } from "../../json/room.ts";
import { ManifestsError } from "../../spec/room.ts";

/** Cost parameters of scrypt (RFC 7914); memory use is 128·N·r bytes. */
interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** Cost parameters that cosign writes. */
const COST: ScryptCost = { N: 65536, r: 8, p: 1 };
/** Accepted values of `N`. A file with another one could exhaust memory. */
const ALLOWED_N: readonly unknown[] = [32768, 65536, 131072];
const SALT_SIZE = 32;
const NONCE_SIZE = 24;
const KEY_SIZE = 32;

/** Encrypts bytes with a passphrase in cosign's format. */
export async function sealBox(plain: Uint8Array, passphrase: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const { xsalsa20poly1305 } = await import("@noble/ciphers/salsa.js");
  const salt = crypto.getRandomValues(new Uint8Array(SALT_SIZE));
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_SIZE));
  const key = await deriveKey(passphrase, salt, COST);
  const sealed = xsalsa20poly1305(key, nonce).encrypt(plain);
  key.fill(0);
  const map = (...members: [string, GoJsonValue][]) => new Map(members);
  return encodeGoJson(map(
    [
      "kdf",
      map(
        ["name", "scrypt"],
        ["params", map(["N", COST.N], ["r", COST.r], ["p", COST.p])],
        ["salt", encodeBase64(salt)],
      ),
    ],
    ["cipher", map(["name", "nacl/secretbox"], ["nonce", encodeBase64(nonce)])],
    ["ciphertext", encodeBase64(sealed)],
  ));
}

/**
 * Decrypts a document of {@linkcode sealBox} or cosign.
 *
 * @param what Name of the key in errors.
 * @throws {ManifestsError} With code `KEY_INVALID` or `PASSPHRASE_WRONG`.
 */
export async function openBox(
  box: Uint8Array,
  passphrase: Uint8Array,
  what = "private key",
): Promise<Uint8Array<ArrayBuffer>> {
  const { salt, cost, nonce, sealed } = readBox(box, what);
  const { xsalsa20poly1305 } = await import("@noble/ciphers/salsa.js");
  const key = await deriveKey(passphrase, salt, cost);
  try {
    return xsalsa20poly1305(key, nonce).decrypt(sealed) as Uint8Array<ArrayBuffer>;
  } catch {
    throw new ManifestsError(
      "PASSPHRASE_WRONG",
      `Cannot open ${what}: decryption failed: check the passphrase, including a line break at its end`,
    );
  } finally {
    key.fill(0);
  }
}

/** The fields of an encrypted document. */
interface Box {
  readonly salt: Uint8Array;
  readonly cost: ScryptCost;
  readonly nonce: Uint8Array;
  readonly sealed: Uint8Array;
}

function readBox(box: Uint8Array, what: string): Box {
  try {
    return readFields(box);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ManifestsError("KEY_INVALID", `Cannot open ${what}: ${error.message}`);
  }
}

function readFields(box: Uint8Array): Box {
  const { kdf, cipher, ciphertext } = object(parse(box), "the document");
  const { name, params, salt } = object(kdf, "kdf");
  if (name !== "scrypt") fail(`unknown kdf name ${quote(name)}`);
  const { N, r, p } = object(params, "kdf.params");
  if (!ALLOWED_N.includes(N) || r !== 8 || p !== 1) fail("unsupported scrypt parameters");
  const { name: cipherName, nonce } = object(cipher, "cipher");
  if (cipherName !== "nacl/secretbox") fail(`unknown cipher name ${quote(cipherName)}`);
  const nonceBytes = base64(nonce, "nonce");
  if (nonceBytes.length !== NONCE_SIZE) fail("incorrect nonce size");
  return {
    salt: base64(salt, "salt"),
    cost: { N: N as number, r, p },
    nonce: nonceBytes,
    sealed: base64(ciphertext, "ciphertext"),
  };
}

function parse(box: Uint8Array): unknown {
  try {
    return parseJson(box, "private key").value;
  } catch {
    fail("it is not JSON");
  }
}

function object(value: unknown, what: string): Record<string, unknown> {
  return isObject(value) ? value : fail(`${what} is not an object`);
}

function base64(value: unknown, what: string): Uint8Array<ArrayBuffer> {
  return (typeof value === "string" ? decodeStrictBase64(value) : undefined) ?? fail(`${what} is not base64`);
}

function quote(value: unknown): string {
  return (JSON.stringify(value) ?? "undefined").slice(0, 64);
}

function fail(problem: string): never {
  throw new SyntaxError(problem);
}

async function deriveKey(passphrase: Uint8Array, salt: Uint8Array, { N, r, p }: ScryptCost): Promise<Uint8Array> {
  const nodeCrypto = findNodeCrypto();
  if (!nodeCrypto) {
    const { scryptAsync } = await import("@noble/hashes/scrypt.js");
    return await scryptAsync(passphrase, salt, { N, r, p, dkLen: KEY_SIZE });
  }
  const { scrypt } = nodeCrypto;
  // node:crypto's default limit of memory (32 MiB) is too low for N = 65536.
  const options = { N, r, p, maxmem: 256 * N * r };
  return await new Promise((resolve, reject) =>
    scrypt(passphrase, salt, KEY_SIZE, options, (error, key) => error ? reject(error) : resolve(new Uint8Array(key)))
  );
}
