import { encodeBase64, encodeUtf8, readStream } from "../internal/room.ts";
import { isObject } from "../json/room.ts";
import { type Credentials, ManifestsError } from "../spec/room.ts";
import { getBody } from "./body.ts";
import type { Challenge } from "./challenge.ts";
import type { HttpResponse } from "./http_types.ts";
import { redactUrl } from "./redact.ts";

/** Maximum size of a token service's response, in bytes. */
const MAX_TOKEN_BODY = 128 * 1024;
/** Minimum lifetime of a token, in seconds (distribution, token specification, `expires_in`). */
const DEFAULT_TOKEN_LIFETIME = 60;
/** Maximum time for which a token is used, in seconds. */
const MAX_TOKEN_LIFETIME = 24 * 60 * 60;

/** A token of a token service. */
export interface Token {
  /** Value to send; empty if the service allows anonymous requests without a token. */
  readonly value: string;
  /** Time after which it is not used, in milliseconds of `performance.now()`. */
  readonly expires: number;
  /** Time for which it is used, in milliseconds. */
  readonly lifetime: number;
  /** Scopes that were requested for it. */
  readonly scopes: readonly string[];
  /** Identity token for the following requests; `undefined` if the service issued none. */
  readonly refreshToken: string | undefined;
}

/** A request for a token. */
export interface TokenRequest {
  /** URL of the token service. */
  readonly realm: URL;
  /** Challenge of the registry that names the service. */
  readonly challenge: Challenge;
  /** Scopes that the token must have. */
  readonly scopes: readonly string[];
  /** Credentials to send; `undefined` for an anonymous request. */
  readonly credentials: Credentials | undefined;
}

/** Returns the `Authorization` header for a user name and password. */
export function toBasicHeader({ username = "", password = "" }: Credentials): string {
  return `Basic ${encodeBase64(encodeUtf8(`${username}:${password}`))}`;
}

/** Creates the HTTP request with a password, or an anonymous one (distribution, token specification). */
export function createPasswordRequest({ realm, challenge, scopes, credentials }: TokenRequest): Request {
  const url = new URL(realm);
  const service = challenge.parameters.get("service");
  if (service) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  const headers = new Headers();
  if (credentials?.username && credentials.password !== undefined) {
    url.searchParams.set("account", credentials.username);
    headers.set("authorization", toBasicHeader(credentials));
  }
  return new Request(url, { headers });
}

/** Creates the HTTP request with an identity token (distribution, OAuth2 token specification). */
export function createRefreshRequest({ realm, challenge, scopes }: TokenRequest, identityToken: string): Request {
  const service = challenge.parameters.get("service");
  const form = new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: identityToken,
    client_id: "multiarch-manifests",
    scope: scopes.join(" "),
    ...(service ? { service } : {}),
  });
  return new Request(realm, { method: "POST", body: form });
}

/**
 * Reads the response of a token service.
 *
 * @throws {ManifestsError} With code `UNAUTHORIZED` if it contains no token.
 */
export async function readToken(answer: HttpResponse, { scopes, credentials }: TokenRequest): Promise<Token> {
  const bytes = await readStream(getBody(answer), MAX_TOKEN_BODY);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    value = undefined;
  }
  const { token, access_token: accessToken, refresh_token: refreshToken, expires_in: expiresIn } = isObject(value)
    ? value
    : {};
  const text = token || (accessToken ?? token);
  if (typeof text !== "string" || (text === "" && credentials)) {
    throw new ManifestsError(
      "UNAUTHORIZED",
      `Cannot authenticate: the token service ${redactUrl(answer.url)} answered without a token`,
    );
  }
  const seconds = Math.min(Math.max(Number(expiresIn) || 0, DEFAULT_TOKEN_LIFETIME), MAX_TOKEN_LIFETIME);
  // Measured with the local monotonic clock, so that wrong clocks on either side do not matter; `issued_at` is ignored for
  // the same reason. The token is replaced a little early, because a request may take a while to arrive.
  const lifetime = Math.min(seconds * 900, seconds * 1000 - 10_000);
  return {
    value: text,
    expires: performance.now() + lifetime,
    lifetime,
    scopes,
    refreshToken: typeof refreshToken === "string" && refreshToken !== "" ? refreshToken : undefined,
  };
}
