import { encodeBase64, encodeUtf8, readStream } from "../internal/room.ts";
import { isObject } from "../json/room.ts";
import { type Credentials, ManifestsError } from "../spec/room.ts";
import { getBody } from "./body.ts";
import type { Challenge } from "./challenge.ts";
import type { HttpResponse } from "./http_types.ts";
import { redactUrl } from "./redact.ts";

/** How large a token answer may be, in bytes. */
const MAX_TOKEN_BODY = 128 * 1024;
/** Tokens live at least this long by the specification of the token service, in seconds. */
const DEFAULT_TOKEN_LIFETIME = 60;
/** No token is used for longer, in seconds. */
const MAX_TOKEN_LIFETIME = 24 * 60 * 60;

/** A token, and until when it is used. */
export interface Token {
  /** What is sent; empty where a service has nothing to say against anonymous use. */
  readonly value: string;
  /** When it is no longer used, on the local monotonic clock. */
  readonly expires: number;
  /** How long it is used, in milliseconds. */
  readonly lifetime: number;
  /** What it was asked for. */
  readonly scopes: readonly string[];
  /** What to ask with from now on. */
  readonly refreshToken: string | undefined;
}

/** What a token is asked for, and by whom. */
export interface TokenQuestion {
  /** Address of the token service. */
  readonly realm: URL;
  /** The challenge. */
  readonly challenge: Challenge;
  /** What the token is for. */
  readonly scopes: readonly string[];
  /** Who asks; `undefined`: nobody in particular. */
  readonly credentials: Credentials | undefined;
}

/** `Authorization` with a password. */
export function basicAuth({ username = "", password = "" }: Credentials): string {
  return `Basic ${encodeBase64(encodeUtf8(`${username}:${password}`))}`;
}

/** The question with a password, or without (distribution, token specification). */
export function passwordRequest({ realm, challenge, scopes, credentials }: TokenQuestion): Request {
  const url = new URL(realm);
  const service = challenge.parameters.get("service");
  if (service) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  const headers = new Headers();
  if (credentials?.username && credentials.password !== undefined) {
    url.searchParams.set("account", credentials.username);
    headers.set("authorization", basicAuth(credentials));
  }
  return new Request(url, { headers });
}

/** The question with an identity token (distribution, OAuth2 token specification). */
export function refreshRequest({ realm, challenge, scopes }: TokenQuestion, identityToken: string): Request {
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
 * Reads the answer of a token service.
 *
 * @throws {ManifestsError} With code `UNAUTHORIZED` where it holds no token.
 */
export async function readToken(answer: HttpResponse, { scopes, credentials }: TokenQuestion): Promise<Token> {
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
      `Cannot authenticate as ${redactUrl(answer.url)} answered without a token`,
    );
  }
  const seconds = Math.min(Math.max(Number(expiresIn) || 0, DEFAULT_TOKEN_LIFETIME), MAX_TOKEN_LIFETIME);
  // Counted on the local monotonic clock, so a wrong clock on either side does not matter, nor what the service thinks
  // of when it issued the token; a little early, because a request may take a while to arrive.
  const lifetime = Math.min(seconds * 900, seconds * 1000 - 10_000);
  return {
    value: text,
    expires: performance.now() + lifetime,
    lifetime,
    scopes,
    refreshToken: typeof refreshToken === "string" && refreshToken !== "" ? refreshToken : undefined,
  };
}
