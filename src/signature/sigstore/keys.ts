import { findNodeCrypto } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { MAX_SIGNATURE_SIZE } from "../types.ts";
import type { KeyEngine, KeyKind, PrivateKey, PublicKey } from "./key.ts";
import { nodeKeys } from "./node_keys.ts";
import { encodePem, parsePem } from "./pem.ts";
import { openBox, sealBox } from "./secret_box.ts";
import { WEB_KEYS } from "./web_keys.ts";

/** PEM types of encrypted keys: cosign's old and new one. The content has the same format. */
const PRIVATE_TYPES: readonly string[] = ["ENCRYPTED COSIGN PRIVATE KEY", "ENCRYPTED SIGSTORE PRIVATE KEY"];
/** Supported curves. The format also allows P-521, with which Deno cannot sign SHA-256. */
const CURVES: readonly (string | undefined)[] = ["prime256v1", "P-256", "secp384r1", "P-384"];
const MIN_RSA_BITS = 2048;

/** A key pair, as the contents of two files. */
export interface SigstoreKeyPair {
  /** Encrypted private key in PEM, for a file that only its owner may read. */
  readonly privateKey: string;
  /** Public key in PEM, not secret. */
  readonly publicKey: string;
}

/**
 * Generates a key pair as `cosign generate-key-pair` and `skopeo generate-sigstore-key` do: ECDSA on P-256, with the
 * private key encrypted by a passphrase.
 *
 * @param passphrase Passphrase in UTF-8, without a line break. May be empty. The caller may wipe it afterwards.
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
  const { pkcs8, spki } = await getEngine().generate();
  const box = await sealBox(pkcs8, passphrase);
  pkcs8.fill(0);
  return { privateKey: encodePem(PRIVATE_TYPES[0]!, box), publicKey: encodePem("PUBLIC KEY", spki) };
}

/**
 * Decrypts a private key in cosign's format.
 *
 * @param what Name of the key in errors.
 * @throws {ManifestsError} With code `KEY_INVALID` or `PASSPHRASE_WRONG`.
 */
export async function openPrivateKey(
  file: Uint8Array,
  passphrase: Uint8Array,
  what = "private key",
): Promise<PrivateKey> {
  assertSize(file, what);
  const [block] = parsePem(file);
  if (!block) fail(what, "it is not a PEM file: create one with generate-sigstore-key");
  if (!PRIVATE_TYPES.includes(block.type)) fail(what, `unsupported PEM type ${JSON.stringify(block.type)}`);
  const plain = await openBox(block.bytes, passphrase, what);
  try {
    return assertSupportedKey(await getEngine().openPrivate(plain), what);
  } catch (error) {
    if (error instanceof ManifestsError) throw error;
    // The parser's message may quote the key.
    fail(what, "the decrypted content is not a PKCS #8 key");
  } finally {
    plain.fill(0);
  }
}

/**
 * Parses the public key in the first block of a PEM file.
 *
 * @throws {ManifestsError} With code `KEY_INVALID`.
 */
export async function readPublicKey(file: Uint8Array): Promise<PublicKey> {
  assertSize(file, "public key");
  const [block] = parsePem(file);
  if (!block) fail("public key", "it is not a PEM file");
  const type = block.type === "PUBLIC KEY" ? "spki" : block.type === "RSA PUBLIC KEY" ? "pkcs1" : undefined;
  if (!type) fail("public key", `unsupported PEM type ${JSON.stringify(block.type)}`);
  let key: PublicKey;
  try {
    key = await getEngine().openPublic(block.bytes, type);
  } catch (cause) {
    if (cause instanceof ManifestsError) throw cause;
    throw new ManifestsError("KEY_INVALID", "Cannot read public key: it cannot be parsed", { cause });
  }
  return assertSupportedKey(key, "public key");
}

/**
 * Asserts that a key has a supported algorithm and is strong enough, and returns it.
 *
 * @param what Name of the key in errors.
 * @throws {ManifestsError} With code `KEY_INVALID`.
 */
export function assertSupportedKey<Key extends { kind: KeyKind }>(key: Key, what: string): Key {
  const { type, curve, bits } = key.kind;
  if (type === "ed25519") return key;
  if (type === "ec" && CURVES.includes(curve)) return key;
  if (type === "rsa" && (bits ?? 0) >= MIN_RSA_BITS) return key;
  fail(what, `unsupported algorithm or size: ${type} ${curve ?? bits ?? ""}`.trimEnd());
}

function assertSize(file: Uint8Array, what: string): void {
  if (file.length > MAX_SIGNATURE_SIZE) fail(what, `it is larger than ${MAX_SIGNATURE_SIZE} bytes`);
}

function fail(what: string, problem: string): never {
  throw new ManifestsError("KEY_INVALID", `Cannot read ${what}: ${problem}`);
}

/** Returns the implementation of keys for this runtime. */
function getEngine(): KeyEngine {
  const nodeCrypto = findNodeCrypto();
  return nodeCrypto ? nodeKeys(nodeCrypto) : WEB_KEYS;
}
