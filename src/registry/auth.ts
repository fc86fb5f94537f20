import { type CallOptions, findUrl, OncePerKey } from "../internal/room.ts";
import { type Credentials, isManifestsError, ManifestsError } from "../spec/room.ts";
import type { Challenge } from "./challenge.ts";
import { readError } from "./errors.ts";
import type { HttpResponse } from "./http_types.ts";
import { isPrivateHost } from "./private_host.ts";
import { redactUrl } from "./redact.ts";
import { coversScopes, normalizeScopes, parseScopes } from "./scopes.ts";
import {
  createPasswordRequest,
  createRefreshRequest,
  readToken,
  toBasicHeader,
  type Token,
  type TokenRequest,
} from "./token.ts";

/** Sends a request to a token service as it is, without adding credentials. */
export type Send = (request: Request, call: CallOptions) => Promise<HttpResponse>;

/** Options for {@linkcode RegistryAuthenticator}. */
export interface RegistryAuthenticatorOptions {
  /** User name and password, or an identity token. Default: anonymous access. */
  credentials?: Credentials | undefined;
  /** Bearer token that is sent as it is, instead of requesting one. Default: none. */
  bearerToken?: string | undefined;
  /** Name of the registry with its port, as in `quay.io`, for messages. */
  name: string;
  /** Host name of the registry, without its port. */
  host: string;
  /** The registry may be reached over plain HTTP; then its token service may be too. */
  insecure: boolean;
  /** The registry is in this machine's own network; then its token service may be too. */
  isLocal: boolean;
  /** Hosts of token services that get credentials over plain HTTP even if they are not the registry's host. Default: none. */
  insecureTokenServices?: readonly string[] | undefined;
  /** Sends the requests for tokens. */
  send: Send;
}

/** Options of {@linkcode RegistryAuthenticator.authorize}. */
export interface AuthorizeOptions extends CallOptions {
  /** The request may run for long: do not use a token that is about to expire. Default: `false`. */
  isLong?: boolean;
}

/** Answers the challenges of a registry: Basic, or Bearer with one token request per set of scopes. */
export class RegistryAuthenticator {
  #challenges: readonly Challenge[] = [];
  /** URL that sent the challenges: a realm may be relative to it. */
  #base: string;
  readonly #tokens = new OncePerKey<string, Token>();
  /** Tokens that were fetched, by the scopes that were requested. */
  readonly #known = new Map<string, Token>();
  readonly #options: RegistryAuthenticatorOptions;
  /** Identity token that the token service issued; replaces the password, or an older identity token. */
  #refreshToken: string | undefined;
  /** Token service that got an anonymous request although there are credentials. */
  #withheldFrom: URL | undefined;

  /** Creates an authenticator without challenges; see {@linkcode learn}. */
  constructor(options: RegistryAuthenticatorOptions) {
    const { credentials = {} } = options;
    // A script may pass variables that are not set as a name and a password, which must not be sent.
    const isSet = Object.values(credentials).some((value) => value !== undefined);
    this.#options = isSet ? options : { ...options, credentials: undefined };
    this.#base = `https://${options.host}/`;
  }

  /** The registry requires tokens for single actions, rather than a password. */
  get usesTokens(): boolean {
    return this.#challenges.some(({ scheme }) => scheme === "bearer");
  }

  /**
   * Remembers the challenges of the registry.
   *
   * @param url URL that sent them. The caller must make sure that it belongs to the registry.
   */
  learn(challenges: readonly Challenge[], url: string): void {
    // Keep a challenge that can be answered if the new one cannot, such as a Bearer challenge without a realm.
    if (challenges.length === 0 || (this.#challenges.length > 0 && !challenges.some(isAnswerable))) return;
    this.#challenges = challenges;
    this.#base = url;
  }

  /** Returns advice for the error message of a request that the registry rejected with this status, if there is any. */
  findHint(status: number, authorization: string | undefined): string | undefined {
    const { name } = this.#options;
    if (status === 401 && authorization?.startsWith("Basic ")) {
      return `the registry rejected the credentials for ${name}`;
    }
    const { credentials, bearerToken } = this.#options;
    if (!credentials && bearerToken === undefined && (status === 401 || status === 403)) {
      return `no credentials were used for ${name}: log in, or give credentials`;
    }
    const realm = this.#withheldFrom;
    // Registries answer 404, too, for private content.
    if (realm === undefined || ![401, 403, 404].includes(status)) return undefined;
    return `the credentials for ${name} were not sent to its token service ${
      redactUrl(realm.href)
    }, because it is on ` +
      `another host and does not use https; to send them anyway, use --insecure-token-service ` +
      `${realm.host} (insecureTokenServices)`;
  }

  /**
   * Takes note of a 401. Returns the scopes that the next attempt needs; `undefined` if the next attempt could not differ
   * from the rejected one.
   */
  handleRejection(
    authorization: string | undefined,
    scopes: readonly string[],
    { challenges, url }: { challenges: readonly Challenge[]; url: string },
  ): readonly string[] | undefined {
    const hadNone = this.#challenges.length === 0;
    this.learn(challenges, url);
    if (this.#options.bearerToken !== undefined) return undefined;
    const parameters = challenges.find(({ scheme }) => scheme === "bearer")?.parameters;
    const insufficient = parameters?.get("error") === "insufficient_scope";
    const needed = insufficient ? normalizeScopes([...scopes, ...parseScopes(parameters.get("scope") ?? "")]) : scopes;
    if (authorization?.startsWith("Bearer ")) {
      this.#forget(authorization);
      return needed;
    }
    return authorization === undefined && (hadNone || challenges.length > 0) ? needed : undefined;
  }

  /** Forgets a token that was rejected; a newer token that another request has fetched stays. */
  #forget(authorization: string): void {
    for (const [key, token] of this.#known) {
      if (toBearerHeader(token.value) !== authorization) continue;
      this.#known.delete(key);
      this.#tokens.forget(key);
    }
  }

  /**
   * Returns the `Authorization` value for a request that needs these scopes; `undefined` for an anonymous request.
   *
   * @throws {ManifestsError} With code `UNAUTHORIZED` if no token can be requested or read, `NETWORK` if the token
   * service cannot be reached.
   * @throws {RegistryError} If the token service rejects the request; its code follows from the status.
   */
  async authorize(scopes: readonly string[], options: AuthorizeOptions = {}): Promise<string | undefined> {
    const { bearerToken, credentials } = this.#options;
    if (bearerToken !== undefined) return toBearerHeader(bearerToken);
    const bearer = this.#challenges.find(({ scheme }) => scheme === "bearer");
    const basic = credentials?.username !== undefined && this.#challenges.some(({ scheme }) => scheme === "basic")
      ? toBasicHeader(credentials)
      : undefined;
    if (!bearer) return basic;
    try {
      return await this.#bearer(bearer, normalizeScopes(scopes), options);
    } catch (error) {
      // Some registries that accept passwords announce a token service that does not work.
      if (basic === undefined || !isManifestsError(error) || isManifestsError(error, "TOO_MANY_REQUESTS")) throw error;
      return basic;
    }
  }

  async #bearer(
    challenge: Challenge,
    scopes: readonly string[],
    { signal, maxRetries, isLong = false }: AuthorizeOptions,
  ): Promise<string | undefined> {
    const isAlive = ({ expires, lifetime }: Token) => expires - (isLong ? lifetime / 2 : 0) > performance.now();
    for (const token of this.#known.values()) {
      if (isAlive(token) && coversScopes(token.scopes, scopes)) return toBearerHeader(token.value);
    }
    const key = scopes.join(" ");
    const stale = this.#known.get(key);
    if (stale && !isAlive(stale)) {
      // Only the first request that finds the expired token removes it; the others share the new token request.
      this.#known.delete(key);
      this.#tokens.forget(key);
    }
    const fetchToken = (signal: AbortSignal) => this.#fetchToken(challenge, scopes, { signal, maxRetries });
    const token = await this.#tokens.get(key, fetchToken, signal);
    return toBearerHeader(token.value);
  }

  async #fetchToken(challenge: Challenge, scopes: readonly string[], call: CallOptions): Promise<Token> {
    const realm = this.#getRealm(challenge);
    const credentials = this.#credentialsFor(realm);
    const tokenRequest = { realm, challenge, scopes, credentials };
    this.#withheldFrom = this.#options.credentials && !credentials ? realm : undefined;
    const answer = await this.#requestToken(tokenRequest, call);
    if (!answer.response.ok) {
      throw await readError("GET", { ...answer, hint: this.#findTokenHint(answer, credentials) });
    }
    const token = await readToken(answer, tokenRequest);
    this.#refreshToken = token.refreshToken ?? this.#refreshToken;
    this.#known.set(scopes.join(" "), token);
    return token;
  }

  /** Requests a token: with an identity token, if there is one; with the password, if the service rejects that. */
  async #requestToken(tokenRequest: TokenRequest, call: CallOptions): Promise<HttpResponse> {
    const { credentials } = tokenRequest;
    const identityToken = credentials && (this.#refreshToken ?? credentials.identityToken);
    const hasPassword = credentials?.username !== undefined && credentials.password !== undefined;
    if (identityToken !== undefined) {
      const answer = await this.#options.send(createRefreshRequest(tokenRequest, identityToken), call);
      // Harbor and other services answer GET requests only.
      if (answer.response.ok || !hasPassword || ![400, 401, 403, 404, 405].includes(answer.response.status)) {
        return answer;
      }
      await answer.response.body?.cancel();
      this.#refreshToken = undefined;
    }
    return await this.#options.send(createPasswordRequest(tokenRequest), call);
  }

  /**
   * Returns the credentials that a token service may get: none over plain HTTP on another host than the registry's, even
   * if the registry itself is insecure, unless the user names that host.
   */
  #credentialsFor(realm: URL): Credentials | undefined {
    const { host, credentials, insecureTokenServices = [] } = this.#options;
    const allowed = realm.protocol === "https:" || realm.hostname === host ||
      insecureTokenServices.includes(realm.host);
    return allowed ? credentials : undefined;
  }

  #findTokenHint({ response }: HttpResponse, credentials: Credentials | undefined): string | undefined {
    // OAuth 2 uses 400 for an identity token that has expired (RFC 6749 §5.2).
    if (credentials === undefined) return this.findHint(response.status, undefined);
    if (![400, 401, 403].includes(response.status)) return undefined;
    return `the token service rejected the credentials for ${this.#options.host}`;
  }

  /** Returns the token service's URL, which the registry chose: it must not be less secure, nor in this machine's network. */
  #getRealm(challenge: Challenge): URL {
    const realm = challenge.parameters.get("realm") ?? "";
    const url = realm === "" ? undefined : findUrl(realm, this.#base);
    if (!url || !["http:", "https:"].includes(url.protocol)) {
      throw new ManifestsError(
        "UNAUTHORIZED",
        `Cannot authenticate: ${JSON.stringify(realm)} is not the URL of a token service`,
      );
    }
    const { insecure, isLocal } = this.#options;
    const problem = url.protocol === "http:" && !insecure
      ? "does not use https, but the registry does"
      : !isLocal && isPrivateHost(url)
      ? "is in the network that this client is in, but the registry is not"
      : undefined;
    if (problem) {
      throw new ManifestsError(
        "UNAUTHORIZED",
        `Cannot authenticate: the token service ${redactUrl(url.href)} ${problem}`,
      );
    }
    url.username = url.password = "";
    return url;
  }
}

/** Returns whether a challenge contains what is needed to answer it. */
function isAnswerable({ scheme, parameters }: Challenge): boolean {
  return scheme === "basic" || (scheme === "bearer" && (parameters.get("realm") ?? "") !== "");
}

/** Returns the header value for a token. The error message does not contain the token, which is secret. */
function toBearerHeader(token: string): string | undefined {
  if (token === "") return undefined;
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new ManifestsError(
      "UNAUTHORIZED",
      "Cannot authenticate: the bearer token contains characters that are not allowed in a header",
    );
  }
  return `Bearer ${token}`;
}
