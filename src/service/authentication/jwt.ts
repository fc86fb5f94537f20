import { decodeBase64, decodeUtf8, encodeUtf8 } from "../../internal/room.ts";
import { isObject } from "../../json/room.ts";

/** Maximum difference between two clocks, in seconds. */
const CLOCK_SKEW = 30;
/** Maximum length of a token, in characters. GitHub's tokens have about 2,000. */
const MAX_LENGTH = 16 * 1024;

/** JSON Web Token (RFC 7519) whose signature is not verified. */
export interface UnverifiedJwt {
  /** Id of the key that signed the token. */
  readonly kid: string;
  /** Bytes that the signature covers. */
  readonly signed: Uint8Array<ArrayBuffer>;
  /** Signature over {@linkcode UnverifiedJwt.signed}. */
  readonly signature: Uint8Array<ArrayBuffer>;
  /** Claims, kept as bytes so that they are not used before the signature is verified. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** Claims of a verified token. */
export type TokenClaims = Readonly<Record<string, unknown>>;

/** Values that the claims of a valid token must have. */
export interface ValidClaims {
  /** Required `iss` claim. */
  readonly issuer: string;
  /** Required `aud` claim. */
  readonly audience: string;
  /** Current time, in milliseconds since 1970. */
  readonly now: number;
}

/**
 * Parses a token; `undefined` if it is malformed or not signed with RS256. The algorithm is fixed, because the header of
 * a token must not choose how the token is verified (RFC 8725 §3.1).
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

/** Verifies the signature of a token and returns its claims; `undefined` if the signature is wrong. */
export async function verifyJwt(jwt: UnverifiedJwt, key: CryptoKey): Promise<TokenClaims | undefined> {
  const { signed, signature, payload } = jwt;
  return await crypto.subtle.verify("RSASSA-PKCS1-v1_5", key, signature, signed) ? parseObject(payload) : undefined;
}

/** Returns whether claims have the required issuer and audience, and are valid at this time. */
export function areValid({ iss, aud, exp, nbf, iat }: TokenClaims, { issuer, audience, now }: ValidClaims): boolean {
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
