import { type CallOptions, findUrl, OncePerKey } from "../internal/room.ts";
import { type Credentials, isManifestsError, ManifestsError } from "../spec/room.ts";
import type { Challenge } from "./challenge.ts";
import { readError } from "./errors.ts";
import type { HttpResponse } from "./http_types.ts";
import { isPrivateHost } from "./private_host.ts";
import { redactUrl } from "./redact.ts";
import { coversScopes, normalizeScopes, parseScopes } from "./scopes.ts";
import { basicAuth, passwordRequest, readToken, refreshRequest, type Token, type TokenQuestion } from "./token.ts";

/** Sends a request: no authentication. */
export type Send = (request: Request, call: CallOptions) => Promise<HttpResponse>;

/** What an {@linkcode RegistryAuthenticator} needs. */
export interface RegistryAuthenticatorOptions {
  /** Credentials, if any. */
  credentials?: Credentials | undefined;
  /** A bearer token to use as it is. */
  bearerToken?: string | undefined;
  /** The registry's host name, without its port. */
  host: string;
  /** Whether the registry itself may be reached insecurely; then its token service may be too. */
  insecure: boolean;
  /** Whether the registry is in our own network; then its token service may be too. */
  isLocal: boolean;
  /** Hosts of token services that may get credentials over plain HTTP although they are not the registry's host. */
  insecureTokenServices?: readonly string[] | undefined;
  /** Sends token requests. */
  send: Send;
}

/** Options of {@linkcode RegistryAuthenticator.authorize}. */
export interface AuthorizeOptions extends CallOptions {
  /** Whether the request takes long, so that no token will do that is about to expire; default `false`. */
  isLong?: boolean;
}

/** Answers a registry's challenges: Basic, or Bearer with one token request per set of scopes. */
export class RegistryAuthenticator {
  #challenges: readonly Challenge[] = [];
  /** Where the challenges came from: a realm may be relative to that. */
  #base: string;
  readonly #tokens = new OncePerKey<string, Token>();
  /** Every token that is at hand, by the key of what it was asked for. */
  readonly #known = new Map<string, Token>();
  readonly #options: RegistryAuthenticatorOptions;
  /** What a token service gave in place of the password, or of an older identity token. */
  #refreshToken: string | undefined;
  /** The token service that was asked anonymously although there are credentials. */
  #withheldFrom: URL | undefined;

  /** Creates an authenticator that knows no challenge yet. */
  constructor(options: RegistryAuthenticatorOptions) {
    this.#options = options;
    this.#base = `https://${options.host}/`;
  }

  /** Whether the registry wants tokens for what is done, rather than a password. */
  get usesTokens(): boolean {
    return this.#challenges.some(({ scheme }) => scheme === "bearer");
  }

  /**
   * Remembers the challenges of the registry.
   *
   * @param url Where they came from. The caller makes sure that this is the registry itself.
   */
  learn(challenges: readonly Challenge[], url: string): void {
    // A challenge that cannot be answered, such as a Bearer that repeats no realm, replaces none that can.
    if (challenges.length === 0 || (this.#challenges.length > 0 && !challenges.some(isAnswerable))) return;
    this.#challenges = challenges;
    this.#base = url;
  }

  /** What a person should know of a request that the registry refused with this status; `undefined`: nothing. */
  findHint(status: number, authorization: string | undefined): string | undefined {
    const { host } = this.#options;
    if (status === 401 && authorization?.startsWith("Basic ")) return `the credentials for ${host} were refused`;
    const realm = this.#withheldFrom;
    // Registries hide what is private behind 404 too.
    if (realm === undefined || ![401, 403, 404].includes(status)) return undefined;
    return `the credentials for ${host} were not sent to its token service ${
      redactUrl(realm.href)
    }, because it is on ` +
      `another host and does not use https; to send them all the same, allow it with --insecure-token-service ` +
      `${realm.host} (insecureTokenServices)`;
  }

  /**
   * Takes note of a 401. Returns the scopes that another attempt needs; `undefined` where no other attempt can differ
   * from the one that was refused.
   */
  handleRejection(
    authorization: string | undefined,
    scopes: readonly string[],
    { challenges, url }: { challenges: readonly Challenge[]; url: string },
  ): readonly string[] | undefined {
    const knewNone = this.#challenges.length === 0;
    this.learn(challenges, url);
    if (this.#options.bearerToken !== undefined) return undefined;
    const parameters = challenges.find(({ scheme }) => scheme === "bearer")?.parameters;
    const insufficient = parameters?.get("error") === "insufficient_scope";
    const wanted = insufficient ? normalizeScopes([...scopes, ...parseScopes(parameters.get("scope") ?? "")]) : scopes;
    if (authorization?.startsWith("Bearer ")) {
      this.#forget(authorization);
      return wanted;
    }
    return authorization === undefined && (knewNone || challenges.length > 0) ? wanted : undefined;
  }

  /** A token that was refused is not used again; one that another request fetched meanwhile stays. */
  #forget(authorization: string): void {
    for (const [key, token] of this.#known) {
      if (bearerValue(token.value) !== authorization) continue;
      this.#known.delete(key);
      this.#tokens.forget(key);
    }
  }

  /** The `Authorization` value for a request that needs these scopes; `undefined` for an anonymous one. */
  async authorize(scopes: readonly string[], options: AuthorizeOptions = {}): Promise<string | undefined> {
    const { bearerToken, credentials } = this.#options;
    if (bearerToken !== undefined) return bearerValue(bearerToken);
    const bearer = this.#challenges.find(({ scheme }) => scheme === "bearer");
    const basic = credentials?.username !== undefined && this.#challenges.some(({ scheme }) => scheme === "basic")
      ? basicAuth(credentials)
      : undefined;
    if (!bearer) return basic;
    try {
      return await this.#bearer(bearer, normalizeScopes(scopes), options);
    } catch (error) {
      // A registry that takes passwords too may have a token service that is of no use.
      if (basic === undefined || !isManifestsError(error) || isManifestsError(error, "TOO_MANY_REQUESTS")) throw error;
      return basic;
    }
  }

  async #bearer(
    challenge: Challenge,
    scopes: readonly string[],
    { signal, maxRetries, isLong = false }: AuthorizeOptions,
  ): Promise<string | undefined> {
    const lives = ({ expires, lifetime }: Token) => expires - (isLong ? lifetime / 2 : 0) > performance.now();
    for (const token of this.#known.values()) {
      if (lives(token) && coversScopes(token.scopes, scopes)) return bearerValue(token.value);
    }
    const key = scopes.join(" ");
    const stale = this.#known.get(key);
    if (stale && !lives(stale)) {
      // Only who finds the old one forgets it; the others find the new one.
      this.#known.delete(key);
      this.#tokens.forget(key);
    }
    const fetchToken = (signal: AbortSignal) => this.#fetchToken(challenge, scopes, { signal, maxRetries });
    const token = await this.#tokens.get(key, fetchToken, signal);
    return bearerValue(token.value);
  }

  async #fetchToken(challenge: Challenge, scopes: readonly string[], call: CallOptions): Promise<Token> {
    const realm = this.#realm(challenge);
    const credentials = this.#credentialsFor(realm);
    const question = { realm, challenge, scopes, credentials };
    this.#withheldFrom = this.#options.credentials && !credentials ? realm : undefined;
    const answer = await this.#ask(question, call);
    if (!answer.response.ok) throw await readError("GET", { ...answer, hint: this.#tokenHint(answer, credentials) });
    const token = await readToken(answer, question);
    this.#refreshToken = token.refreshToken ?? this.#refreshToken;
    this.#known.set(scopes.join(" "), token);
    return token;
  }

  /** Asks with an identity token where there is one; with the password where the service takes none. */
  async #ask(question: TokenQuestion, call: CallOptions): Promise<HttpResponse> {
    const { credentials } = question;
    const identityToken = credentials && (this.#refreshToken ?? credentials.identityToken);
    const hasPassword = credentials?.username !== undefined && credentials.password !== undefined;
    if (identityToken !== undefined) {
      const answer = await this.#options.send(refreshRequest(question, identityToken), call);
      // Harbor and others answer GET only.
      if (answer.response.ok || !hasPassword || ![400, 401, 403, 404, 405].includes(answer.response.status)) {
        return answer;
      }
      await answer.response.body?.cancel();
      this.#refreshToken = undefined;
    }
    return await this.#options.send(passwordRequest(question), call);
  }

  /**
   * A token service elsewhere gets no credentials in clear text, whatever may be insecure about the registry, unless the
   * user names its host.
   */
  #credentialsFor(realm: URL): Credentials | undefined {
    const { host, credentials, insecureTokenServices = [] } = this.#options;
    const allowed = realm.protocol === "https:" || realm.hostname === host ||
      insecureTokenServices.includes(realm.host);
    return allowed ? credentials : undefined;
  }

  #tokenHint({ response }: HttpResponse, credentials: Credentials | undefined): string | undefined {
    // 400 is what OAuth 2 says of an identity token that has expired (RFC 6749 §5.2).
    if (credentials === undefined) return this.findHint(response.status, undefined);
    if (![400, 401, 403].includes(response.status)) return undefined;
    return `the token service refused the credentials for ${this.#options.host}`;
  }

  /** The token service's address, which the registry chose: never less secure than the registry, nor in our network. */
  #realm(challenge: Challenge): URL {
    const realm = challenge.parameters.get("realm") ?? "";
    const url = realm === "" ? undefined : findUrl(realm, this.#base);
    if (!url || !["http:", "https:"].includes(url.protocol)) {
      throw new ManifestsError("UNAUTHORIZED", `Cannot authenticate as the realm is no URL: ${JSON.stringify(realm)}`);
    }
    const { insecure, isLocal } = this.#options;
    const problem = url.protocol === "http:" && !insecure
      ? "is not https, while the registry is"
      : !isLocal && isPrivateHost(url)
      ? "is in the network that this client is in, while the registry is not"
      : undefined;
    if (problem) {
      throw new ManifestsError("UNAUTHORIZED", `Cannot authenticate as the realm ${problem}: ${redactUrl(url.href)}`);
    }
    url.username = url.password = "";
    return url;
  }
}

/** Whether a challenge says how to answer it. */
function isAnswerable({ scheme, parameters }: Challenge): boolean {
  return scheme === "basic" || (scheme === "bearer" && (parameters.get("realm") ?? "") !== "");
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
