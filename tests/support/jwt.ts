/** JSON Web Tokens, and keys that sign them. */
import type { JsonWebKeySet } from "../../src/service/room.ts";

/** Text as base64url. */
export function toBase64Url(bytes: Uint8Array | string): string {
  const raw = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
  return raw.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** An issuer of tokens. */
export class TestIssuer {
  private constructor(
    readonly kid: string,
    readonly keys: CryptoKeyPair,
    readonly jwk: JsonWebKeySet["keys"][number],
  ) {}

  /** Makes one with a key of its own. */
  static async create(kid = "key-1", modulusLength = 2048): Promise<TestIssuer> {
    const algorithm = {
      name: "RSASSA-PKCS1-v1_5",
      hash: "SHA-256",
      modulusLength,
      publicExponent: new Uint8Array([1, 0, 1]),
    };
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const { kty, n, e } = await crypto.subtle.exportKey("jwk", keys.publicKey);
    return new TestIssuer(kid, keys, { kid, use: "sig", alg: "RS256", kty: kty!, n: n!, e: e! });
  }

  /** A token, as it should be unless told otherwise. */
  async sign(claims: unknown, header: Record<string, unknown> = {}): Promise<string> {
    const head = { alg: "RS256", typ: "JWT", kid: this.kid, ...header };
    const signed = [head, claims].map((part) => toBase64Url(JSON.stringify(part))).join(".");
    const bytes = new TextEncoder().encode(signed);
    const signature = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", this.keys.privateKey, bytes);
    return `${signed}.${toBase64Url(new Uint8Array(signature))}`;
  }
}
