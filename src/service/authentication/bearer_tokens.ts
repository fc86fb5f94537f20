import { encodeUtf8 } from "../../internal/room.ts";
import type { Authenticator, Grant } from "./types.ts";

/** Token that a handler accepts, and what its bearer may do. */
export interface BearerToken extends Grant {
  /** The token: at least 16 characters of the form that RFC 6750 §2.1 allows in a header. */
  readonly token: string;
}

/** Minimum length of a token, in characters: shorter ones can be guessed by trying. */
const MIN_LENGTH = 16;

/**
 * Creates an authenticator for callers that know a shared token. The comparison takes constant time.
 *
 * @throws {TypeError} If `tokens` is empty, or a token is given twice, is too short or has invalid characters.
 *
 * @example
 * ```ts
 * import { bearerTokens } from "@multiarch/manifests/handler";
 * import assert from "node:assert/strict";
 *
 * const tokens = bearerTokens([{ token: "0123456789abcdef", targets: ["quay.io/me/app"], actions: ["compose"] }]);
 * const options = { now: Date.now(), signal: new AbortController().signal };
 * assert.equal(await tokens.authenticate("something else", options), undefined);
 * assert.equal((await tokens.authenticate("0123456789abcdef", options))?.name, "token 1");
 * ```
 */
export function bearerTokens(tokens: readonly BearerToken[]): Authenticator {
  const bad = tokens.findIndex(({ token }) => !/^[A-Za-z0-9\-._~+/]+=*$/.test(token) || token.length < MIN_LENGTH);
  if (bad >= 0) {
    throw new TypeError(
      `Cannot accept tokens[${bad}]: it must have at least ${MIN_LENGTH} characters of A-Z, a-z, 0-9 and -._~+/`,
    );
  }
  if (tokens.length === 0) throw new TypeError("Cannot accept tokens: the list is empty");
  if (new Set(tokens.map(({ token }) => token)).size < tokens.length) {
    throw new TypeError("Cannot accept tokens: one is given twice");
  }
  const grants = tokens.map(({ token: _, ...grant }, i) => ({ ...grant, name: grant.name ?? `token ${i + 1}` }));
  // Tokens are compared by their HMACs under a random key: timing then reveals nothing about the tokens.
  let opened: Promise<{ sign: (text: string) => Promise<Uint8Array>; known: Uint8Array[] }> | undefined;
  const open = async () => {
    const sign = await createSigner();
    return { sign, known: await Promise.all(tokens.map(({ token }) => sign(token))) };
  };
  return {
    grants,
    async authenticate(token) {
      const { sign, known } = await (opened ??= open());
      const given = await sign(token);
      // All tokens are compared, so that the time does not reveal which one matched.
      const found = known.map((one) => equalBytes(one, given)).indexOf(true);
      const grant = grants[found];
      return grant && { name: grant.name, grants: [grant] };
    },
  };
}

async function createSigner(): Promise<(text: string) => Promise<Uint8Array>> {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return async (text) => new Uint8Array(await crypto.subtle.sign("HMAC", key, encodeUtf8(text)));
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.reduce((difference, byte, i) => difference | (byte ^ b[i]!), 0) === 0;
}
