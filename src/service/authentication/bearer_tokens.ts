import { encodeUtf8 } from "../../internal/room.ts";
import type { Authenticator, Grant } from "./types.ts";

/** A token that a handler accepts, and what its bearer may do. */
export interface BearerToken extends Grant {
  /** The token: at least 16 characters that a header may hold. */
  readonly token: string;
}

/** Fewer characters can be guessed, if only by trying. */
const MIN_LENGTH = 16;

/**
 * Callers who know a token. It is compared in a time that does not depend on what is right about it.
 *
 * @throws {TypeError} Where there is no token, one twice, or one that is too short or that no header can hold.
 *
 * @example
 * ```ts
 * import { bearerTokens } from "@multiarch/manifests/handler";
 * import assert from "node:assert/strict";
 *
 * const tokens = bearerTokens([{ token: "0123456789abcdef", targets: ["quay.io/me/app"], actions: ["compose"] }]);
 * const options = { now: Date.now(), signal: new AbortController().signal };
 * assert.equal(await tokens.authenticate("something else", options), undefined);
 * assert.equal((await tokens.authenticate("0123456789abcdef", options))?.length, 1);
 * ```
 */
export function bearerTokens(tokens: readonly BearerToken[]): Authenticator {
  const bad = tokens.findIndex(({ token }) => !/^[A-Za-z0-9\-._~+/]+=*$/.test(token) || token.length < MIN_LENGTH);
  if (bad >= 0) {
    throw new TypeError(
      `Cannot accept token ${bad} as it must have at least ${MIN_LENGTH} characters, all of those that a header may hold`,
    );
  }
  if (tokens.length === 0) throw new TypeError("Cannot accept tokens as there are none");
  if (new Set(tokens.map(({ token }) => token)).size < tokens.length) {
    throw new TypeError("Cannot accept tokens as one is there twice");
  }
  const grants = tokens.map(({ token: _, ...grant }): Grant => grant);
  // Codes under a key that nobody knows: how far two of them agree tells nothing of the tokens.
  let coded: Promise<{ code: (text: string) => Promise<Uint8Array>; known: Uint8Array[] }> | undefined;
  const open = async () => {
    const code = await createCoder();
    return { code, known: await Promise.all(tokens.map(({ token }) => code(token))) };
  };
  return {
    grants,
    async authenticate(token) {
      const { code, known } = await (coded ??= open());
      const given = await code(token);
      // All are compared, so that how long it takes does not tell which one it was.
      const found = known.map((one) => equalBytes(one, given)).indexOf(true);
      return found < 0 ? undefined : [grants[found]!];
    },
  };
}

async function createCoder(): Promise<(text: string) => Promise<Uint8Array>> {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return async (text) => new Uint8Array(await crypto.subtle.sign("HMAC", key, encodeUtf8(text)));
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.reduce((difference, byte, i) => difference | (byte ^ b[i]!), 0) === 0;
}
