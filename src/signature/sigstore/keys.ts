import { nodeCrypto } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { MAX_SIGNATURE_SIZE } from "../types.ts";
import type { KeyEngine, KeyKind, PrivateKey, PublicKey } from "./key.ts";
import { nodeKeys } from "./node_keys.ts";
import { encodePem, parsePem } from "./pem.ts";
import { openBox, sealBox } from "./secret_box.ts";
import { WEB_KEYS } from "./web_keys.ts";

const ENGINE: KeyEngine = nodeCrypto ? nodeKeys(nodeCrypto) : WEB_KEYS;

/** What old and new tools call an encrypted key; what is in it is the same. */
const PRIVATE_TYPES: readonly string[] = ["ENCRYPTED COSIGN PRIVATE KEY", "ENCRYPTED SIGSTORE PRIVATE KEY"];
/** P-256 is the one that everybody makes. The format allows P-521 too, with which Deno signs no SHA-256. */
const CURVES: readonly (string | undefined)[] = ["prime256v1", "P-256", "secp384r1", "P-384"];
const MIN_RSA_BITS = 2048;

/** A key pair, as two files hold it. */
export interface SigstoreKeyPair {
  /** PEM, encrypted; for a file that only its owner may read. */
  readonly privateKey: string;
  /** PEM. */
  readonly publicKey: string;
}

/**
 * Makes a key pair as `cosign generate-key-pair` and `skopeo generate-sigstore-key` do: ECDSA over P-256, the private
 * key encrypted with a passphrase.
 *
 * @param passphrase UTF-8 without a line break; may be empty. The caller may wipe it afterwards.
 *
 * @example
 * ```ts
 * import { generateSigstoreKeyPair } from "@multiarch/manifests/signature";
 * import assert from "node:assert/strict";
 *
 * const { privateKey, publicKey } = await generateSigstoreKeyPair(new TextEncoder().encode("secret"));
 * assert.match(privateKey, /^-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----/);
 * assert.match(publicKey, /^-----BEGIN PUBLIC KEY-----/);
 * ```
 */
export async function generateSigstoreKeyPair(passphrase: Uint8Array): Promise<SigstoreKeyPair> {
  const { pkcs8, spki } = await ENGINE.generate();
  const box = await sealBox(pkcs8, passphrase);
  pkcs8.fill(0);
  return { privateKey: encodePem(PRIVATE_TYPES[0]!, box), publicKey: encodePem("PUBLIC KEY", spki) };
}

/**
 * Opens a private key of cosign's form.
 *
 * @throws {ManifestsError} With code `KEY_INVALID` or `PASSPHRASE_WRONG`.
 */
export async function openPrivateKey(file: Uint8Array, passphrase: Uint8Array): Promise<PrivateKey> {
  assertSize(file, "private");
  const [block] = parsePem(file);
  if (!block) fail("private", "invalid pem block");
  if (!PRIVATE_TYPES.includes(block.type)) fail("private", `unsupported pem type: ${block.type}`);
  const plain = await openBox(block.bytes, passphrase);
  try {
    return assertSupportedKey(await ENGINE.openPrivate(plain), "private");
  } catch (error) {
    if (error instanceof ManifestsError) throw error;
    // What the parser says may quote the key.
    fail("private", "what is encrypted is not a PKCS #8 key");
  } finally {
    plain.fill(0);
  }
}

/**
 * Reads a public key: PEM, the first block of it.
 *
 * @throws {ManifestsError} With code `KEY_INVALID`.
 */
export async function readPublicKey(file: Uint8Array): Promise<PublicKey> {
  assertSize(file, "public");
  const [block] = parsePem(file);
  if (!block) fail("public", "invalid pem block");
  const type = block.type === "PUBLIC KEY" ? "spki" : block.type === "RSA PUBLIC KEY" ? "pkcs1" : undefined;
  if (!type) fail("public", `unsupported pem type: ${block.type}`);
  let key: PublicKey;
  try {
    key = await ENGINE.openPublic(block.bytes, type);
  } catch (cause) {
    if (cause instanceof ManifestsError) throw cause;
    throw new ManifestsError("KEY_INVALID", "Cannot read public key as it cannot be parsed", { cause });
  }
  return assertSupportedKey(key, "public");
}

/**
 * Refuses kinds of keys that are not supported, or too weak.
 *
 * @throws {ManifestsError} With code `KEY_INVALID`.
 */
export function assertSupportedKey<Key extends { kind: KeyKind }>(key: Key, half: "private" | "public"): Key {
  const { type, curve, bits } = key.kind;
  if (type === "ed25519") return key;
  if (type === "ec" && CURVES.includes(curve)) return key;
  if (type === "rsa" && (bits ?? 0) >= MIN_RSA_BITS) return key;
  fail(half, `keys of its kind are not supported: ${type} ${curve ?? bits ?? ""}`);
}

function assertSize(file: Uint8Array, half: "private" | "public"): void {
  if (file.length > MAX_SIGNATURE_SIZE) fail(half, `it is larger than ${MAX_SIGNATURE_SIZE} bytes`);
}

function fail(half: "private" | "public", problem: string): never {
  throw new ManifestsError("KEY_INVALID", `Cannot read ${half} key: ${problem}`);
}
