import { encodeBase64, encodeUtf8, OncePerKey, readStream } from "../internal/mod.ts";
import { type Credentials, isObject, ManifestsError } from "../spec/mod.ts";
import { bodyOf } from "./body.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import { errorOf, redactUrl } from "./errors.ts";

/** How large a token answer may be, in bytes. */
const MAX_TOKEN_BODY = 128 * 1024;
/** Tokens live at least this long by the specification of the token service, in seconds. */
const DEFAULT_TOKEN_LIFETIME = 60;

/** Sends a request as it is: no authentication, no retry. */
export type Send = (request: Request, signal?: AbortSignal) => Promise<Response>;

/** What an {@linkcode Authenticator} needs. */
export interface AuthenticatorOptions {
  /** Credentials, if any. */
  credentials?: Credentials | undefined;
  /** A bearer token to use as it is. */
  bearerToken?: string | undefined;
  /** Whether the registry itself may be reached insecurely; then its token service may be too. */
  insecure: boolean;
  /** Sends token requests. */
  send: Send;
}

interface Token {
  value: string;
  expires: number;
}

/** Answers a registry's challenges: Basic, or Bearer with one token request per set of scopes. */
export class Authenticator {
  #challenges: readonly Challenge[] = [];
  readonly #tokens = new OncePerKey<string, Token>();
  readonly #options: AuthenticatorOptions;

  /** Creates an authenticator that knows no challenge yet. */
  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /** Remembers the challenges of a 401 answer and forgets the token that it refused. */
  challenge(response: Response, scopes: readonly string[]): void {
    const header = response.headers.get("www-authenticate");
    if (header !== null) this.#challenges = parseChallenges(header);
    this.#tokens.forget(keyOf(scopes));
  }

  /** The `Authorization` value for a request that needs these scopes; `undefined` for an anonymous one. */
  async authorize(scopes: readonly string[], signal?: AbortSignal): Promise<string | undefined> {
    const { bearerToken, credentials } = this.#options;
    if (bearerToken !== undefined) return `Bearer ${bearerToken}`;
    const bearer = this.#challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer) {
      const { value } = await this.#token(bearer, scopes, signal);
      return value === "" ? undefined : `Bearer ${value}`;
    }
    const basic = this.#challenges.some(({ scheme }) => scheme === "basic");
    return basic && credentials?.username !== undefined ? basicAuth(credentials) : undefined;
  }

  async #token(challenge: Challenge, scopes: readonly string[], signal?: AbortSignal): Promise<Token> {
    const key = keyOf(scopes);
    const token = await this.#tokens.get(key, () => this.#fetchToken(challenge, scopes, signal));
    if (token.expires > performance.now()) return token;
    this.#tokens.forget(key);
    return await this.#tokens.get(key, () => this.#fetchToken(challenge, scopes, signal));
  }

  async #fetchToken(challenge: Challenge, scopes: readonly string[], signal?: AbortSignal): Promise<Token> {
    const request = tokenRequest(this.#realm(challenge), challenge, scopes, this.#options.credentials);
    const response = await this.#options.send(request, signal);
    if (!response.ok) throw await errorOf(request.method, response, request.url);
    const bytes = await readStream(bodyOf({ response, url: request.url }), MAX_TOKEN_BODY);
    return readToken(bytes, request.url);
  }

  /** The token service's address, which the registry chose: never less secure than the registry. */
  #realm(challenge: Challenge): URL {
    const realm = challenge.parameters.get("realm") ?? "";
    const url = URL.parse(realm);
    if (!url || !["http:", "https:"].includes(url.protocol)) {
      throw new ManifestsError("UNAUTHORIZED", `Cannot authenticate as the realm is no URL: ${JSON.stringify(realm)}`);
    }
    if (url.protocol === "http:" && !this.#options.insecure) {
      throw new ManifestsError(
        "UNAUTHORIZED",
        `Cannot authenticate as the realm is not https, while the registry is: ${redactUrl(realm)}`,
      );
    }
    url.username = "";
    url.password = "";
    return url;
  }
}

function keyOf(scopes: readonly string[]): string {
  return scopes.toSorted().join(" ");
}

function basicAuth({ username = "", password = "" }: Credentials): string {
  return `Basic ${encodeBase64(encodeUtf8(`${username}:${password}`))}`;
}

/** GET with Basic credentials, or the OAuth2 form where there is an identity token (distribution, token specification). */
function tokenRequest(
  realm: URL,
  challenge: Challenge,
  scopes: readonly string[],
  credentials: Credentials | undefined,
): Request {
  const service = challenge.parameters.get("service");
  if (credentials?.identityToken !== undefined) {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: credentials.identityToken,
      client_id: "multiarch-manifests",
      scope: scopes.join(" "),
      ...(service ? { service } : {}),
    });
    return new Request(realm, { method: "POST", body: form });
  }
  if (service) realm.searchParams.set("service", service);
  for (const scope of scopes) realm.searchParams.append("scope", scope);
  const headers = new Headers();
  if (credentials?.username) {
    realm.searchParams.set("account", credentials.username);
    headers.set("authorization", basicAuth(credentials));
  }
  return new Request(realm, { headers });
}

function readToken(bytes: Uint8Array | undefined, url: string): Token {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    value = undefined;
  }
  const { token, access_token: accessToken, expires_in: expiresIn } = isObject(value) ? value : {};
  const text = token || accessToken;
  if (typeof text !== "string") {
    throw new ManifestsError("UNAUTHORIZED", `Cannot authenticate as ${redactUrl(url)} answered without a token`);
  }
  const lifetime = Math.max(Number(expiresIn) || DEFAULT_TOKEN_LIFETIME, DEFAULT_TOKEN_LIFETIME) * 1000;
  // Counted on the local monotonic clock, so a wrong clock on either side does not matter; a little early, because a
  // request may take a while to arrive.
  return { value: text, expires: performance.now() + Math.min(lifetime * 0.9, lifetime - 10_000) };
}
