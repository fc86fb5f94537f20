import { concatBytes, encodeBase64, encodeUtf8 } from "../../internal/room.ts";
import { encodeGoJson, type GoJsonValue } from "../../json/room.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/**
 * Signs a schema 1 manifest with a temporary key: registries reject a manifest without a signature, but nobody verifies
 * whose it is. The format is libtrust's "pretty" JWS: the manifest with an additional member.
 *
 * @param manifest Compact JSON of an object that is not empty.
 * @param time Time of the signature, written with a precision of one second.
 */
export async function signSchema1(manifest: Uint8Array, time: Date): Promise<Uint8Array<ArrayBuffer>> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  // `formatTail`: the end of the payload, which follows the inserted signatures.
  const tail = encodeUtf8("}");
  const head = manifest.subarray(0, manifest.length - tail.length);
  const header = base64Url(encodeJson([
    ["formatLength", head.length],
    ["formatTail", base64Url(tail)],
    ["time", time.toISOString().replace(/\.\d+/, "")],
  ]));
  const signed = encodeUtf8(`${header}.${base64Url(manifest)}`);
  const signature = base64Url(new Uint8Array(await crypto.subtle.sign(ALGORITHM, keys.privateKey, signed)));
  const member = encodeJson([
    ["header", new Map<string, GoJsonValue>([["jwk", await publicJwk(keys.publicKey)], ["alg", "ES256"]])],
    ["signature", signature],
    ["protected", header],
  ]);
  return concatBytes([head, encodeUtf8(',"signatures":['), member, encodeUtf8("]"), tail]);
}

/** Encodes the public key as libtrust does, with its fingerprint as id. */
async function publicJwk(key: CryptoKey): Promise<GoJsonValue> {
  const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", key);
  const fingerprint = await crypto.subtle.digest("SHA-256", await crypto.subtle.exportKey("spki", key));
  // libtrust truncates the fingerprint to 240 bits, which are 48 base32 letters without padding.
  const kid = base32(new Uint8Array(fingerprint, 0, 30)).match(/.{4}/g)!.join(":");
  return new Map([["crv", crv!], ["kid", kid], ["kty", kty!], ["x", x!], ["y", y!]]);
}

function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return bits.replace(/.{5}/g, (five) => BASE32[parseInt(five, 2)]!);
}

function base64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function encodeJson(members: [string, GoJsonValue][]): Uint8Array<ArrayBuffer> {
  return encodeGoJson(new Map(members));
}
