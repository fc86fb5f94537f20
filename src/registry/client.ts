import { type Fetch, OncePerKey } from "../internal/mod.ts";
import { type Credentials, ManifestsError } from "../spec/mod.ts";
import { Authenticator } from "./auth.ts";
import { errorOf } from "./errors.ts";
import { HttpClient, type HttpRequest, type HttpResponse } from "./http.ts";
import { Repository } from "./repository.ts";

/** The version of this module, as it tells registries. */
const USER_AGENT = "multiarch-manifests/0.1.0";

/** Options for {@linkcode RegistryClient}. */
export interface RegistryClientOptions {
  /** Credentials; default: anonymous. */
  credentials?: Credentials | undefined;
  /** A bearer token to send as it is, instead of asking a token service. */
  bearerToken?: string | undefined;
  /**
   * Whether plain HTTP is fine where https does not work.
   *
   * @default {false}
   */
  insecure?: boolean | undefined;
  /** Replaces the global `fetch`. */
  fetch?: Fetch | undefined;
  /** `User-Agent` header. */
  userAgent?: string | undefined;
}

/** A request to the registry's API. */
export interface ApiRequest extends Omit<HttpRequest, "url"> {
  /** Path below the registry's base, or an absolute URL that the registry gave. */
  readonly target: string;
  /** What the request needs, in the words of the token service. */
  readonly scopes: readonly string[];
}

/**
 * A client for one registry, over `fetch` alone. Finds the scheme and the authentication by itself; both are
 * remembered as long as the client lives.
 *
 * @example
 * ```ts
 * import { RegistryClient } from "@multiarch/manifests/registry";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const server = createRegistry({ storage: createMemoryStorage() });
 * const repository = new RegistryClient("registry.example", { fetch: server.fetch }).repository("me/app");
 * assert.equal(await repository.headManifest("latest"), undefined);
 * ```
 */
export class RegistryClient {
  /** The registry, as in `quay.io`. */
  readonly host: string;
  readonly #insecure: boolean;
  readonly #http: HttpClient;
  readonly #authenticator: Authenticator;
  readonly #base = new OncePerKey<"base", string>();

  /** Creates a client; no request is made. `host` may have a port. */
  constructor(host: string, options: RegistryClientOptions = {}) {
    this.host = host;
    this.#insecure = options.insecure ?? false;
    this.#http = new HttpClient({
      fetch: options.fetch ?? ((request) => fetch(request)),
      userAgent: options.userAgent ?? USER_AGENT,
      insecure: this.#insecure,
    });
    this.#authenticator = new Authenticator({
      credentials: options.credentials,
      bearerToken: options.bearerToken,
      insecure: this.#insecure,
      send: async (request, signal) => {
        const { method, url } = request;
        const body = request.body ? new Uint8Array(await request.arrayBuffer()) : undefined;
        return (await this.#http.send({ method, url, headers: Object.fromEntries(request.headers), body, signal }))
          .response;
      },
    });
  }

  /** A repository of this registry. */
  repository(path: string): Repository {
    return new Repository(this, path);
  }

  /** Sends an authenticated request; after a 401 once more with a fresh token. */
  async send(request: ApiRequest): Promise<HttpResponse> {
    const base = await this.#base.get("base", () => this.#probe(request.signal));
    const { target, scopes, headers, ...rest } = request;
    const url = target.startsWith("/") ? base + target : target;
    // The registry may hand out locations elsewhere; credentials do not go there.
    const ours = new URL(url).origin === base;
    for (let attempt = 1;; attempt++) {
      const authorization = ours ? await this.#authenticator.authorize(scopes, request.signal) : undefined;
      const answer = await this.#http.send({
        ...rest,
        url,
        headers: { ...headers, ...(authorization ? { authorization } : {}) },
      });
      const { response } = answer;
      if (response.status !== 401 || !ours || attempt > 1 || request.body instanceof ReadableStream) return answer;
      this.#authenticator.challenge(response, scopes);
      // A second attempt makes sense only if it differs from the first.
      if (await this.#authenticator.authorize(scopes, request.signal) === authorization) return answer;
      await response.body?.cancel();
    }
  }

  /** The registry's base URL: https, or http where that is allowed and https does not work. */
  async #probe(signal?: AbortSignal): Promise<string> {
    const host = this.host === "docker.io" ? "registry-1.docker.io" : this.host;
    const https = this.#ping(`https://${host}`, signal);
    if (!this.#insecure) return await https.catch((cause) => this.#failProbe(cause));
    // Both at once: with a registry that only speaks HTTP, waiting for TLS to fail first costs round trips.
    const http = this.#ping(`http://${host}`, signal);
    http.catch(() => {});
    return await https.catch((httpsError) =>
      http.catch((httpError) => this.#failProbe(new AggregateError([httpsError, httpError], "https and http failed")))
    );
  }

  #failProbe(cause: unknown): never {
    const reasons = cause instanceof AggregateError ? cause.errors : [cause];
    for (const reason of reasons) if (!(reason instanceof ManifestsError)) throw reason;
    const text = reasons.map((reason) => (reason as Error).message).join("; ");
    const hint = /InvalidContentType/.test(text)
      ? "; it seems to speak plain HTTP, which must be allowed explicitly"
      : "";
    throw new ManifestsError("NETWORK", `Cannot reach the registry ${this.host}: ${text}${hint}`, { cause });
  }

  async #ping(base: string, signal?: AbortSignal): Promise<string> {
    const url = `${base}/v2/`;
    const response = await this.#http.sendOnce({ method: "GET", url, signal });
    if (response.status === 401) this.#authenticator.challenge(response, []);
    else if (response.status !== 200) throw await errorOf("GET", response, url);
    await response.body?.cancel();
    return base;
  }
}
