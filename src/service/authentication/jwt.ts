import { decodeBase64, decodeUtf8, encodeUtf8 } from "../../internal/room.ts";
import { isObject } from "../../json/room.ts";

/** How far two clocks may be apart, in seconds. */
const CLOCK_SKEW = 30;
/** GitHub's tokens have about 2,000 characters. */
const MAX_LENGTH = 16 * 1024;

/** A JSON Web Token (RFC 7519) whose signature nobody has verified. */
export interface UnverifiedJwt {
  /** Which key signed it. */
  readonly kid: string;
  /** What is signed. */
  readonly signed: Uint8Array<ArrayBuffer>;
  /** The signature. */
  readonly signature: Uint8Array<ArrayBuffer>;
  /** The claims, as bytes: nobody looks at them before the signature is verified. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** Claims of a verified token. */
export type Claims = Readonly<Record<string, unknown>>;

/** What a token must say to be valid now. */
export interface ValidClaims {
  /** Who made it. */
  readonly issuer: string;
  /** For whom. */
  readonly audience: string;
  /** What the time is, in milliseconds since 1970. */
  readonly now: number;
}

/**
 * Takes a token apart; `undefined` where it is none, or is signed otherwise than with RS256: what a token says of how
 * to verify it is not believed (RFC 8725 §3.1).
 */
export function findJwt(token: string): UnverifiedJwt | undefined {
  const parts = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(token.length > MAX_LENGTH ? "" : token);
  if (!parts) return undefined;
  const [, head, payload, signature] = parts as unknown as [string, string, string, string];
  const header = parseObject(fromBase64Url(head));
  const bytes = { payload: fromBase64Url(payload), signature: fromBase64Url(signature) };
  if (header?.alg !== "RS256" || typeof header.kid !== "string" || header.crit !== undefined) return undefined;
  if (!bytes.payload || !bytes.signature) return undefined;
  return {
    kid: header.kid,
    signed: encodeUtf8(`${head}.${payload}`),
    payload: bytes.payload,
    signature: bytes.signature,
  };
}

/** The claims of a token that this key signed; `undefined` where it did not. */
export async function verifyJwt(jwt: UnverifiedJwt, key: CryptoKey): Promise<Claims | undefined> {
  const { signed, signature, payload } = jwt;
  return await crypto.subtle.verify("RSASSA-PKCS1-v1_5", key, signature, signed) ? parseObject(payload) : undefined;
}

/** Whether claims are about this issuer and audience, and about now. */
export function areValid({ iss, aud, exp, nbf, iat }: Claims, { issuer, audience, now }: ValidClaims): boolean {
  const seconds = now / 1000;
  const began = (time: unknown) => typeof time === "number" && time <= seconds + CLOCK_SKEW;
  return iss === issuer && (aud === audience || Array.isArray(aud) && aud.includes(audience)) &&
    typeof exp === "number" && seconds < exp + CLOCK_SKEW && began(iat) && (nbf === undefined || began(nbf));
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  return decodeBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
}

function parseObject(bytes: Uint8Array | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = bytes && JSON.parse(decodeUtf8(bytes));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
