import { type CallOptions, OncePerKey, VERSION } from "../internal/room.ts";
import { ManifestsError, type RetryEvent } from "../spec/room.ts";
import { assertTimeouts } from "./assert_timeouts.ts";
import { RegistryAuthenticator } from "./auth.ts";
import { getChallenges } from "./challenge.ts";
import type { RegistryClientOptions } from "./client_options.ts";
import { EndpointProbe, type RegistryEndpoint } from "./endpoint.ts";
import { readError } from "./errors.ts";
import { isTransientError } from "./failures.ts";
import { DEFAULT_RETRIES, HttpClient } from "./http.ts";
import type { HttpRequest, HttpResponse, Timeouts } from "./http_types.ts";
import { registryOrigins } from "./origins.ts";
import { isPrivateHost } from "./private_host.ts";
import { redactUrl } from "./redact.ts";
import { WarningSink } from "./warnings.ts";

/** Default `User-Agent` header. */
const USER_AGENT = `multiarch-manifests/${VERSION}`;

/** A request to the registry's API. */
export interface ApiRequest extends Omit<HttpRequest, "url" | "findProblem"> {
  /** Path below the registry's base, or an absolute URL that the registry gave. */
  readonly target: string;
  /** Token scopes that the request requires, as in `repository:me/app:pull`. */
  readonly scopes: readonly string[];
}

/**
 * A connection to one registry: finds the scheme and the authentication, and remembers both. All repositories of a
 * client share it.
 */
export class RegistryConnection {
  /** The registry, as in `quay.io`. */
  readonly host: string;
  /** The registry is in this machine's own network, or plain HTTP is allowed. */
  readonly isLocal: boolean;
  /** Time limits and delays of the client's options. */
  readonly timeouts: Timeouts;
  readonly #insecure: boolean;
  readonly #http: HttpClient;
  readonly #authenticator: RegistryAuthenticator;
  readonly #probe: EndpointProbe;
  readonly #endpoint = new OncePerKey<"endpoint", RegistryEndpoint>();

  /**
   * Creates a connection; no request is sent. `host` may have a port.
   *
   * @throws {RangeError} If a time limit or the number of retries is not a number of at least 0.
   */
  constructor(host: string, options: RegistryClientOptions) {
    assertTimeouts(options.timeouts ?? {});
    const origins = registryOrigins(host);
    const { hostname } = new URL(origins.https);
    const warnings = options.onWarning && new WarningSink(host, options.onWarning);
    this.host = host;
    this.timeouts = options.timeouts ?? {};
    this.#insecure = options.insecure ?? false;
    this.isLocal = this.#insecure || isPrivateHost(new URL(origins.https));
    this.#http = new HttpClient({
      fetch: options.fetch ?? ((request) => fetch(request)),
      userAgent: options.userAgent ?? USER_AGENT,
      insecure: this.#insecure,
      timeouts: this.timeouts,
      onAnswer: warnings && ((response) => warnings.report(response)),
      onRetry: options.onRetry,
    });
    this.#probe = new EndpointProbe({
      host,
      origins,
      insecure: this.#insecure,
      http: this.#http,
      plainHosts: options.plainHosts ?? new Set(),
      probeTimeout: this.timeouts.probeTimeout,
    });
    this.#authenticator = new RegistryAuthenticator({
      credentials: options.credentials,
      bearerToken: options.bearerToken,
      insecure: this.#insecure,
      isLocal: this.isLocal,
      insecureTokenServices: options.insecureTokenServices,
      name: host,
      host: hostname,
      send: (request, call) => this.#sendTokenRequest(request, call),
    });
  }

  /** Requests carry tokens for single actions, rather than a password. */
  get usesTokens(): boolean {
    return this.#authenticator.usesTokens;
  }

  /** Time in which the fastest answer arrived, in milliseconds; see {@linkcode HttpClient.fastest}. */
  get fastestAnswer(): number {
    return this.#http.fastest;
  }

  /** Returns the maximum number of repetitions for a call: its own, else that of the client. */
  getMaxRetries({ maxRetries = this.timeouts.maxRetries ?? DEFAULT_RETRIES }: CallOptions): number {
    assertTimeouts({ maxRetries });
    return maxRetries;
  }

  /** Returns whether the registry stores simple signatures itself; probes the registry if that was not yet done. */
  async supportsSignatures(options: CallOptions): Promise<boolean> {
    return (await this.#find(options)).supportsSignatures;
  }

  /** Sends an authenticated request for nothing in particular, and throws an error unless the registry accepts it. */
  async checkCredentials(options: CallOptions): Promise<void> {
    const answer = await this.send({ method: "GET", target: "/v2/", scopes: [], ...options });
    if (answer.response.status !== 200) throw await readError("GET", answer);
    await answer.response.body?.cancel();
    // An anonymous token opens this address, too, although nobody has seen the credentials.
    const hint = this.#authenticator.findHint(401, undefined);
    if (hint !== undefined) throw new ManifestsError("UNAUTHORIZED", `Cannot log in to ${this.host}: ${hint}`);
  }

  /** Gets the token for some scopes, so that the first request does not wait for that. */
  async connect(scopes: readonly string[], call: CallOptions): Promise<void> {
    await this.#find(call);
    await this.#authenticator.authorize(scopes, call);
  }

  /** Sends an authenticated request; after a 401, sends it once more with a new token. */
  async send(request: ApiRequest): Promise<HttpResponse> {
    const { base } = await this.#find(request);
    const { target, scopes, headers, signal, maxRetries, ...rest } = request;
    const url = target.startsWith("/") ? base + target : target;
    const findProblem = (to: URL) => this.#findProblem(to, base);
    const to = new URL(url);
    const problem = findProblem(to);
    if (problem) {
      throw new ManifestsError(
        "REGISTRY_ERROR",
        `Cannot ${request.method} ${redactUrl(url)}: the registry leads ${problem}`,
      );
    }
    // The registry may name locations on other hosts and redirect to them. Credentials are not sent there, and
    // challenges from there are not those of the registry.
    const staysHere = to.origin === base;
    const isStreamed = request.body instanceof ReadableStream;
    let neededScopes = scopes;
    for (let attempt = 1;; attempt++) {
      const authorization = staysHere
        ? await this.#authenticator.authorize(neededScopes, { signal, maxRetries, isLong: isStreamed })
        : undefined;
      const answer = await this.#http.send({
        ...rest,
        signal,
        maxRetries,
        // Writes must not be redirected to a place that a location must not name. Reads may: their bytes are verified.
        ...(request.method === "GET" || request.method === "HEAD" ? {} : { findProblem }),
        url,
        headers: { ...headers, ...(authorization ? { authorization } : {}) },
      });
      const { response } = answer;
      if (!staysHere || (answer.url !== url && new URL(answer.url).origin !== base)) return answer;
      const explained = { ...answer, hint: this.#authenticator.findHint(response.status, authorization) };
      if (response.status !== 401 || attempt > 1) return explained;
      // A second attempt is useful only if it can differ from the first. A stream cannot be sent again here, but a
      // caller that can open it again must not be given the rejected token once more.
      const nextScopes = this.#authenticator.handleRejection(authorization, neededScopes, {
        challenges: getChallenges(response),
        url: answer.url,
      });
      if (nextScopes === undefined || isStreamed) return explained;
      neededScopes = nextScopes;
      await response.body?.cancel();
    }
  }

  /** Sends a request without credentials to a server that is not the registry. */
  async sendElsewhere(request: HttpRequest): Promise<HttpResponse> {
    return await this.#http.send(request);
  }

  /** Waits before another attempt, longer after each one; reports the `failed` attempt, if given. */
  async pause(
    attempt: number,
    signal?: AbortSignal,
    failed?: Pick<RetryEvent, "step" | "maxRetries" | "error">,
  ): Promise<void> {
    await this.#http.pause(attempt, signal, failed);
  }

  /** Sends a token request. A redirect must not leak the identity token, nor lead into this machine's network. */
  async #sendTokenRequest(request: Request, call: CallOptions): Promise<HttpResponse> {
    const { method, url } = request;
    const findProblem = (to: URL) => {
      if (method === "POST" && to.origin !== new URL(url).origin) {
        return `to ${to.origin}, which must not get the identity token`;
      }
      return !this.isLocal && isPrivateHost(to) ? "to the network that this client is in" : undefined;
    };
    const body = request.body ? new Uint8Array(await request.arrayBuffer()) : undefined;
    const headers = Object.fromEntries(request.headers);
    return await this.#http.send({ method, url, headers, body, isRepeatable: true, findProblem, ...call });
  }

  /** Returns why a location that the registry names must not be used: less security, or this machine's own network. */
  #findProblem(to: URL, base: string): string | undefined {
    if (!this.#insecure && base.startsWith("https:") && to.protocol !== "https:") {
      return "to plain HTTP, while it is reached over https itself";
    }
    // A registry in this machine's own network is local itself.
    const isInward = !this.isLocal && isPrivateHost(to);
    return isInward ? "to the network that this client is in, while it is elsewhere itself" : undefined;
  }

  /** Returns the endpoint. All callers share one probe: the abort of one caller does not end it for the others. */
  async #find(call: CallOptions): Promise<RegistryEndpoint> {
    const maxRetries = this.getMaxRetries(call);
    return await this.#endpoint.get("endpoint", (signal) => this.#findWithRetries(signal, maxRetries), call.signal);
  }

  async #findWithRetries(signal: AbortSignal, maxRetries: number): Promise<RegistryEndpoint> {
    for (let attempt = 1;; attempt++) {
      try {
        const endpoint = await this.#probe.find(signal);
        this.#authenticator.learn(endpoint.challenges, endpoint.url);
        return endpoint;
      } catch (error) {
        if (attempt > maxRetries || !isTransientError(error)) throw error;
        await this.pause(attempt, signal, { step: `looking for the registry ${this.host}`, maxRetries, error });
      }
    }
  }
}
