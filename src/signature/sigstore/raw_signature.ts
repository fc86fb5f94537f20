import { type KeyObject, sign, verify } from "node:crypto";

/** The hash for a kind of key; Ed25519 has its own. */
function hashFor(key: KeyObject): string | null {
  return key.asymmetricKeyType === "ed25519" ? null : "sha256";
}

/** Signs bytes: ECDSA in DER, RSA with PKCS #1 v1.5, both over SHA-256, or Ed25519. */
export function signBytes(key: KeyObject, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(sign(hashFor(key), bytes, { key, dsaEncoding: "der" }));
}

/**
 * Whether a signature over bytes is a key's. ECDSA may also be two numbers of the curve's size, as other tools take
 * them.
 */
export function verifyBytes(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (tryVerify(key, bytes, signature, "der")) return true;
  return key.asymmetricKeyType === "ec" && signature.length === rawLength(key) &&
    tryVerify(key, bytes, signature, "ieee-p1363");
}

function tryVerify(
  key: KeyObject,
  bytes: Uint8Array,
  signature: Uint8Array,
  dsaEncoding: "der" | "ieee-p1363",
): boolean {
  try {
    return verify(hashFor(key), bytes, { key, dsaEncoding }, signature);
  } catch {
    // Some engines throw where a signature cannot be parsed, others say false.
    return false;
  }
}

function rawLength(key: KeyObject): number {
  const bits = Number(/\d{3}/.exec(key.asymmetricKeyDetails?.namedCurve ?? "")?.[0] ?? 256);
  return 2 * Math.ceil(bits / 8);
}
