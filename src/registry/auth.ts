import { encodeBase64, encodeUtf8, OncePerKey, readStream } from "../internal/mod.ts";
import { type Credentials, isObject, ManifestsError } from "../spec/mod.ts";
import { bodyOf } from "./body.ts";
import type { Challenge } from "./challenge.ts";
import { errorOf } from "./errors.ts";
import { redactUrl } from "./redact.ts";
import type { HttpResponse } from "./http.ts";

/** How large a token answer may be, in bytes. */
const MAX_TOKEN_BODY = 128 * 1024;
/** Tokens live at least this long by the specification of the token service, in seconds. */
const DEFAULT_TOKEN_LIFETIME = 60;

/** Sends a request: no authentication. */
export type Send = (request: Request, signal: AbortSignal) => Promise<HttpResponse>;

/** What an {@linkcode Authenticator} needs. */
export interface AuthenticatorOptions {
  /** Credentials, if any. */
  credentials?: Credentials | undefined;
  /** A bearer token to use as it is. */
  bearerToken?: string | undefined;
  /** The registry's host name, without its port. */
  host: string;
  /** Whether the registry itself may be reached insecurely; then its token service may be too. */
  insecure: boolean;
  /** Sends token requests. */
  send: Send;
}

interface Token {
  value: string;
  /** When it is no longer used, on the local monotonic clock. */
  expires: number;
  /** How long it is used, in milliseconds. */
  lifetime: number;
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

  /** Whether the registry wants tokens for what is done, rather than a password. */
  get usesTokens(): boolean {
    return this.#challenges.some(({ scheme }) => scheme === "bearer");
  }

  /** Remembers the challenges of the registry. */
  learn(challenges: readonly Challenge[]): void {
    if (challenges.length > 0) this.#challenges = challenges;
  }

  /** Takes note of a 401 and says whether another attempt can differ from the one that was refused. */
  async refused(
    authorization: string | undefined,
    scopes: readonly string[],
    challenges: readonly Challenge[],
  ): Promise<boolean> {
    const before = this.#challenges;
    this.learn(challenges);
    if (this.#options.bearerToken !== undefined) return false;
    if (!authorization?.startsWith("Bearer ")) return before !== this.#challenges && authorization === undefined;
    const key = keyOf(scopes);
    const current = this.#tokens.peek(key);
    const value = await current?.then((token) => bearerValue(token.value), () => undefined);
    // Another request may have fetched a new token meanwhile: that one stays.
    if (value === authorization) this.#tokens.forget(key, current);
    return true;
  }

  /**
   * The `Authorization` value for a request that needs these scopes; `undefined` for an anonymous one. One that takes
   * `long` gets no token that is about to expire.
   */
  async authorize(
    scopes: readonly string[],
    { signal, long = false }: { signal?: AbortSignal | undefined; long?: boolean } = {},
  ): Promise<string | undefined> {
    const { bearerToken, credentials } = this.#options;
    if (bearerToken !== undefined) return bearerValue(bearerToken);
    const bearer = this.#challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer) return await this.#bearer(bearer, scopes, { signal, long });
    const basic = this.#challenges.some(({ scheme }) => scheme === "basic");
    return basic && credentials?.username !== undefined ? basicAuth(credentials) : undefined;
  }

  async #bearer(
    challenge: Challenge,
    scopes: readonly string[],
    { signal, long }: { signal: AbortSignal | undefined; long: boolean },
  ): Promise<string | undefined> {
    const key = keyOf(scopes);
    const fetch = (signal: AbortSignal) => this.#fetchToken(challenge, scopes, signal);
    let token = await this.#tokens.get(key, fetch, signal);
    const { expires, lifetime } = token;
    if (expires - (long ? lifetime / 2 : 0) <= performance.now()) {
      // Only who finds the old one forgets it; the others find the new one.
      const old = this.#tokens.peek(key);
      if (old !== undefined && await old === token) this.#tokens.forget(key, old);
      token = await this.#tokens.get(key, fetch, signal);
    }
    return bearerValue(token.value);
  }

  async #fetchToken(challenge: Challenge, scopes: readonly string[], signal: AbortSignal): Promise<Token> {
    const realm = this.#realm(challenge);
    const request = tokenRequest(realm, challenge, scopes, this.#credentialsFor(realm));
    const answer = await this.#options.send(request, signal);
    if (!answer.response.ok) throw await errorOf(request.method, answer);
    return readToken(await readStream(bodyOf(answer), MAX_TOKEN_BODY), request.url);
  }

  /** A token service elsewhere gets no credentials in clear text, whatever may be insecure about the registry. */
  #credentialsFor(realm: URL): Credentials | undefined {
    return realm.protocol === "https:" || realm.hostname === this.#options.host ? this.#options.credentials : undefined;
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

/** A header value; the error of one that no header can hold does not repeat it. */
function bearerValue(token: string): string | undefined {
  if (token === "") return undefined;
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new ManifestsError(
      "UNAUTHORIZED",
      "Cannot authenticate as the bearer token holds characters that no header may",
    );
  }
  return `Bearer ${token}`;
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
  const used = Math.min(lifetime * 0.9, lifetime - 10_000);
  return { value: text, expires: performance.now() + used, lifetime: used };
}
