import { encodeHex } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { DER_TAGS, encodeDer, readDer, readOne } from "./der.ts";
import { decodeEcdsa, encodeEcdsa } from "./ecdsa_signature.ts";
import { coordinateSize, type KeyEngine, type KeyKind, type PrivateKey, type PublicKey } from "./key.ts";

/** Object identifiers of key algorithms in X.509 and PKCS #8, in hex. */
const EC = "2a8648ce3d0201", RSA = "2a864886f70d010101", ED25519 = "2b6570";
const CURVES: Readonly<Record<string, string>> = {
  "2a8648ce3d030107": "P-256",
  "2b81040022": "P-384",
  "2b81040023": "P-521",
};

/** Returns WebCrypto, which browsers offer only to pages that were loaded securely. */
function getSubtle(): SubtleCrypto {
  const { subtle } = crypto as { subtle?: SubtleCrypto };
  if (subtle) return subtle;
  throw new ManifestsError("KEY_INVALID", "Cannot use keys: browsers offer WebCrypto only to pages loaded over HTTPS");
}

/** The crypto engine for browsers, based on WebCrypto. Deno's `node:crypto` supports more kinds of keys. */
export const WEB_KEYS: KeyEngine = {
  async generate() {
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    const { privateKey, publicKey } = await getSubtle().generateKey(algorithm, true, ["sign", "verify"]);
    return {
      pkcs8: new Uint8Array(await getSubtle().exportKey("pkcs8", privateKey)),
      spki: new Uint8Array(await getSubtle().exportKey("spki", publicKey)),
    };
  },
  async openPrivate(pkcs8): Promise<PrivateKey> {
    const kind = readKind(readDer(readOne(pkcs8, DER_TAGS.sequence).body)[1]);
    const key = await getSubtle().importKey("pkcs8", pkcs8, importAlgorithm(kind), false, ["sign"]);
    return {
      kind: addSize(kind, key),
      spki: await exportPublicKey(pkcs8, importAlgorithm(kind)),
      async sign(bytes) {
        const signature = new Uint8Array(await getSubtle().sign(useAlgorithm(kind), key, bytes));
        return kind.type === "ec" ? encodeEcdsa(signature) : signature;
      },
    };
  },
  async openPublic(der, type): Promise<PublicKey> {
    const given = type === "spki" ? der : wrapRsa(der);
    const kind = readKind(readDer(readOne(given, DER_TAGS.sequence).body)[0]);
    const key = await getSubtle().importKey("spki", given, importAlgorithm(kind), true, ["verify"]);
    const verify = (bytes: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>) =>
      getSubtle().verify(useAlgorithm(kind), key, signature, bytes);
    return {
      kind: addSize(kind, key),
      spki: new Uint8Array(await getSubtle().exportKey("spki", key)),
      async verify(bytes, signature) {
        if (kind.type !== "ec") return await verify(bytes, signature);
        const size = coordinateSize(kind.curve);
        const decoded = decodeEcdsa(signature, size);
        if (decoded && await verify(bytes, decoded)) return true;
        return signature.length === 2 * size && await verify(bytes, signature);
      },
    };
  },
};

/** Exports the public key of a private key, by removing the secret members of its JWK. */
async function exportPublicKey(pkcs8: Uint8Array<ArrayBuffer>, algorithm: Algorithm): Promise<Uint8Array<ArrayBuffer>> {
  const subtle = getSubtle();
  const key = await subtle.importKey("pkcs8", pkcs8, algorithm, true, ["sign"]);
  const { kty, crv, x, y, n, e } = await subtle.exportKey("jwk", key);
  const members = Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined);
  const open = await subtle.importKey("jwk", Object.fromEntries(members), algorithm, true, ["verify"]);
  return new Uint8Array(await subtle.exportKey("spki", open));
}

/** Parses an AlgorithmIdentifier (RFC 5480, RFC 8017, RFC 8410). */
function readKind(identifier: { body: Uint8Array<ArrayBuffer> } | undefined): KeyKind {
  const [id, parameters] = readDer(identifier?.body ?? new Uint8Array());
  switch (id && encodeHex(id.body)) {
    case EC:
      return { type: "ec", curve: parameters && CURVES[encodeHex(parameters.body)] };
    case RSA:
      return { type: "rsa" };
    case ED25519:
      return { type: "ed25519" };
  }
  throw new SyntaxError("the key algorithm is unknown");
}

function importAlgorithm({ type, curve }: KeyKind): Algorithm & { namedCurve?: string; hash?: string } {
  if (type === "ed25519") return { name: "Ed25519" };
  if (type === "rsa") return { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  if (curve === undefined) throw new SyntaxError("the curve is unknown");
  return { name: "ECDSA", namedCurve: curve };
}

function useAlgorithm({ type }: KeyKind): Algorithm & { hash?: string } {
  if (type === "ec") return { name: "ECDSA", hash: "SHA-256" };
  return { name: type === "rsa" ? "RSASSA-PKCS1-v1_5" : "Ed25519" };
}

function addSize(kind: KeyKind, { algorithm }: CryptoKey): KeyKind {
  return kind.type === "rsa" ? { ...kind, bits: (algorithm as RsaKeyAlgorithm).modulusLength } : kind;
}

/** Wraps a PKCS #1 RSA key in SubjectPublicKeyInfo, which WebCrypto requires. */
function wrapRsa(key: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const id = encodeDer(DER_TAGS.objectId, Uint8Array.from(RSA.match(/../g)!, (hex) => parseInt(hex, 16)));
  const identifier = encodeDer(DER_TAGS.sequence, id, encodeDer(DER_TAGS.null));
  return encodeDer(DER_TAGS.sequence, identifier, encodeDer(DER_TAGS.bitString, Uint8Array.of(0), key));
}
