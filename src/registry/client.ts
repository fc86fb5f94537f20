import { delay } from "@std/async";
import { type CallOptions, type Fetch, joinSignals, OncePerKey, VERSION } from "../internal/room.ts";
import { type Credentials, ManifestsError, type RegistryWarning, type RetryEvent } from "../spec/room.ts";
import { Authenticator } from "./auth.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import { errorOf, RegistryError } from "./errors.ts";
import { mayPass } from "./may_pass.ts";
import { checkPageSize, DEFAULT_PAGE_SIZE, listNames, type ListOptions, pageTarget } from "./pages.ts";
import { type RegistryOrigins, registryOrigins } from "./origins.ts";
import { isPrivateHost } from "./private_host.ts";
import { redactUrl } from "./redact.ts";
import { DEFAULT_RETRIES, HttpClient, type HttpRequest, type HttpResponse, type Patience } from "./http.ts";
import { Repository } from "./repository.ts";
import { WarningSink } from "./warnings.ts";

/** What registries are told about who asks. */
const USER_AGENT = `multiarch-manifests/${VERSION}`;

/** How long https may take to answer where plain HTTP has answered and is allowed, in milliseconds; as in skopeo. */
const PROBE_TIMEOUT = 10_000;

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
  /**
   * Hosts, as in `auth.example:5001`, of token services that get the credentials also over plain HTTP although they are
   * not the registry's host. Default: none.
   */
  insecureTokenServices?: readonly string[] | undefined;
  /** Replaces the global `fetch`. */
  fetch?: Fetch | undefined;
  /** `User-Agent` header. */
  userAgent?: string | undefined;
  /** Told, once each, of what the registry wants to be shown to its users; default: nobody is. */
  onWarning?: ((warning: RegistryWarning) => void) | undefined;
  /** Called before a request is repeated because it failed for a reason that may pass; default: nothing is reported. */
  onRetry?: ((event: RetryEvent) => void) | undefined;
  /** How long it waits for what; see the members for the defaults. */
  patience?: Patience | undefined;
  /**
   * Hosts that are known to answer plain HTTP but not https. A client adds its own when it finds that out, so that other
   * clients with the same set do not wait for https again. Default: an empty set.
   */
  plainHosts?: Set<string> | undefined;
}

/** What a probe finds out. */
interface Endpoint {
  /** Scheme and host, normalised. */
  base: string;
  /** The challenges of its answer, and where they came from. */
  challenges: readonly Challenge[];
  url: string;
  /** Whether it keeps simple signatures. */
  supportsSignatures: boolean;
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
  /** Whether the registry is in this machine's own network, or plain HTTP is fine. */
  readonly isLocal: boolean;
  /** How patient it is. */
  readonly patience: Patience;
  readonly #insecure: boolean;
  readonly #http: HttpClient;
  readonly #authenticator: Authenticator;
  readonly #origins: RegistryOrigins;
  readonly #endpoint = new OncePerKey<"endpoint", Endpoint>();
  readonly #plainHosts: Set<string>;

  /** Creates a client; no request is made. `host` may have a port. */
  constructor(host: string, options: RegistryClientOptions = {}) {
    this.host = host;
    this.#insecure = options.insecure ?? false;
    this.#origins = registryOrigins(host);
    this.#plainHosts = options.plainHosts ?? new Set();
    const warnings = options.onWarning && new WarningSink(host, options.onWarning);
    this.#http = new HttpClient({
      fetch: options.fetch ?? ((request) => fetch(request)),
      userAgent: options.userAgent ?? USER_AGENT,
      insecure: this.#insecure,
      patience: options.patience,
      onAnswer: warnings && ((response) => warnings.look(response)),
      onRetry: options.onRetry,
    });
    this.patience = options.patience ?? {};
    this.isLocal = this.#insecure || isPrivateHost(new URL(this.#origins.https));
    this.#authenticator = new Authenticator({
      credentials: options.credentials,
      bearerToken: options.bearerToken,
      insecure: this.#insecure,
      isLocal: this.isLocal,
      insecureTokenServices: options.insecureTokenServices,
      host: new URL(this.#origins.https).hostname,
      send: (request, call) => this.#sendTokenRequest(request, call),
    });
  }

  /** A repository of this registry. */
  repository(path: string): Repository {
    return new Repository(this, path);
  }

  /** Sends an authenticated request; after a 401 once more with a fresh token. */
  async send(request: ApiRequest): Promise<HttpResponse> {
    const { base } = await this.#find(request);
    const { target, scopes, headers, ...rest } = request;
    const url = target.startsWith("/") ? base + target : target;
    const refuse = (to: URL) => this.#problemWith(to, base);
    const problem = refuse(new URL(url));
    if (problem) {
      throw new ManifestsError(
        "REGISTRY_ERROR",
        `Cannot ${request.method} ${redactUrl(url)}: the registry leads ${problem}`,
      );
    }
    // The registry may hand out locations elsewhere, and redirect elsewhere. Credentials do not go there, and what is
    // asked for there is not what the registry asks for.
    const isRegistry = (url: string) => new URL(url).origin === base;
    const ours = isRegistry(url);
    const streamed = request.body instanceof ReadableStream;
    let wanted = scopes;
    for (let attempt = 1;; attempt++) {
      const { signal, maxRetries } = request;
      const long = streamed;
      const authorization = ours
        ? await this.#authenticator.authorize(wanted, { signal, maxRetries, long })
        : undefined;
      const answer = await this.#http.send({
        ...rest,
        // What is written must not be sent where a location must not lead; what is read is verified.
        ...(request.method === "GET" || request.method === "HEAD" ? {} : { refuse }),
        url,
        headers: { ...headers, ...(authorization ? { authorization } : {}) },
      });
      const { response } = answer;
      if (!ours || !isRegistry(answer.url)) return answer;
      const explained = { ...answer, hint: this.#authenticator.hintFor(response.status, authorization) };
      if (response.status !== 401 || attempt > 1) return explained;
      // A second attempt makes sense only if it can differ from the first. Of a stream, there is none, but whoever can
      // open it again must not be given the same token.
      const next = this.#authenticator.refused(authorization, wanted, {
        challenges: challengesOf(response),
        url: answer.url,
      });
      if (next === undefined || streamed) return explained;
      wanted = next;
      await response.body?.cancel();
    }
  }

  /**
   * Whether the registry keeps simple signatures itself: the extension `X-Registry-Supports-Signatures`. Costs a request
   * only where nothing else was asked yet.
   */
  async supportsSignatures(options: CallOptions = {}): Promise<boolean> {
    return (await this.#find(options)).supportsSignatures;
  }

  /** Whether requests carry tokens for what they do, rather than a password. */
  get usesTokens(): boolean {
    return this.#authenticator.usesTokens;
  }

  /**
   * The repositories of the registry, page by page (not of the OCI specification; many registries refuse it).
   *
   * @throws {RegistryError} With code `NOT_FOUND`, `DENIED`, `UNAUTHORIZED` or `REGISTRY_ERROR` where it is refused.
   */
  async *listRepositories(options: ListOptions = {}): AsyncGenerator<string, void, undefined> {
    const { last, pageSize = DEFAULT_PAGE_SIZE, ...call } = options;
    const list = { path: "/v2/_catalog", member: "repositories", pageSize: checkPageSize(pageSize), last };
    const get = (target: string) => this.send({ method: "GET", target, scopes: ["registry:catalog:*"], ...call });
    yield* listNames(await get(pageTarget(list)), get, list);
  }

  /** Sends a request to a place that is not the registry's: without credentials. */
  async sendElsewhere(request: HttpRequest): Promise<HttpResponse> {
    return await this.#http.send(request);
  }

  /** Waits before another attempt, the longer the more there were; reports the one that `failed`, if any. */
  async pause(
    attempt: number,
    signal?: AbortSignal,
    failed?: Pick<RetryEvent, "step" | "maxRetries" | "error">,
  ): Promise<void> {
    await this.#http.pause(attempt, signal, failed);
  }

  /** A token service must not pass the identity token on, nor fetch a token from the network that this client is in. */
  async #sendTokenRequest(request: Request, call: CallOptions): Promise<HttpResponse> {
    const { method, url } = request;
    const refuse = (to: URL) => {
      if (method === "POST" && to.origin !== new URL(url).origin) {
        return `to ${to.origin}, which must not see the identity token`;
      }
      return !this.isLocal && isPrivateHost(to) ? "to the network that this client is in" : undefined;
    };
    const body = request.body ? new Uint8Array(await request.arrayBuffer()) : undefined;
    const headers = Object.fromEntries(request.headers);
    return await this.#http.send({ method, url, headers, body, isRepeatable: true, refuse, ...call });
  }

  /** What a registry says must not lead to less security, nor into the network of who asks. */
  #problemWith(to: URL, base: string): string | undefined {
    if (!this.#insecure && base.startsWith("https:") && to.protocol !== "https:") {
      return "to plain HTTP, while it is reached over https itself";
    }
    const inward = !this.isLocal && to.origin !== base && isPrivateHost(to);
    return inward ? "to the network that this client is in, while it is elsewhere itself" : undefined;
  }

  /** Where the registry is. The probe is everybody's: nobody's abort ends it for the others. */
  async #find({ signal, maxRetries = this.patience.maxRetries ?? DEFAULT_RETRIES }: CallOptions): Promise<Endpoint> {
    return await this.#endpoint.get("endpoint", (signal) => this.#probe(signal, maxRetries), signal);
  }

  /** Finds the registry: https, or http where that is allowed and https does not work. */
  async #probe(signal: AbortSignal, maxRetries: number): Promise<Endpoint> {
    for (let attempt = 1;; attempt++) {
      try {
        const endpoint = await this.#findEndpoint(signal);
        this.#authenticator.learn(endpoint.challenges, endpoint.url);
        return endpoint;
      } catch (error) {
        if (attempt > maxRetries || !mayPass(error)) throw error;
        await this.pause(attempt, signal, { step: `looking for the registry ${this.host}`, maxRetries, error });
      }
    }
  }

  async #findEndpoint(signal: AbortSignal): Promise<Endpoint> {
    if (!this.#insecure) return await this.#ping(this.#origins.https, signal).catch((cause) => this.#failProbe(cause));
    // Both at once: with a registry that only speaks HTTP, waiting for TLS to fail first costs round trips. What the
    // loser answers is not believed in anything.
    const lost = new AbortController();
    using joined = joinSignals(signal, lost.signal);
    const https = this.#ping(this.#origins.https, joined.signal);
    const http = this.#ping(this.#origins.http, joined.signal);
    http.catch(() => {});
    try {
      return await Promise.race([https, this.#unlessSilent(https, http, joined.signal)]);
    } catch (httpsError) {
      return await http.catch((httpError) => this.#failProbe(new AggregateError([httpsError, httpError])));
    } finally {
      lost.abort();
    }
  }

  /** Plain HTTP instead of an https that does not answer in time: some servers leave a TLS hello without an answer. */
  async #unlessSilent(https: Promise<Endpoint>, http: Promise<Endpoint>, signal: AbortSignal): Promise<Endpoint> {
    const bound = this.#plainHosts.has(this.host) ? 0 : this.patience.probeTimeout ?? PROBE_TIMEOUT;
    try {
      const [endpoint] = await Promise.all([http, delay(bound, { signal })]);
      this.#plainHosts.add(this.host);
      return endpoint;
    } catch {
      return await https;
    }
  }

  #failProbe(cause: unknown): never {
    const reasons = cause instanceof AggregateError ? cause.errors : [cause];
    for (const reason of reasons) {
      if (!(reason instanceof ManifestsError) || reason.code === "PORT_BLOCKED") throw reason;
    }
    // A registry that answers is there: what it says is what is wrong.
    for (const reason of reasons.toReversed()) if (reason instanceof RegistryError) throw reason;
    const text = reasons.map((reason) => (reason as Error).message).join("; ");
    const hint = /InvalidContentType/.test(text)
      ? "; it seems to speak plain HTTP, which must be allowed explicitly (dockerInsecureSkipTlsVerify, --tls-verify=false)"
      : "";
    const isTransient = reasons.some(mayPass);
    throw new ManifestsError("NETWORK", `Cannot reach the registry ${this.host}: ${text}${hint}`, {
      cause,
      isTransient,
    });
  }

  async #ping(base: string, signal: AbortSignal): Promise<Endpoint> {
    const url = `${base}/v2/`;
    // Whoever asks for the endpoint repeats the whole probe, not one half of it.
    const answer = await this.#http.send({ method: "GET", url, signal, maxRetries: 0 });
    const { response } = answer;
    if (response.status !== 200 && response.status !== 401) throw await errorOf("GET", answer);
    await response.body?.cancel();
    // Where it redirects elsewhere, nothing is known of the registry but that it is there.
    if (new URL(answer.url).origin !== base) return { base, url, challenges: [], supportsSignatures: false };
    const supportsSignatures = response.headers.get("x-registry-supports-signatures") === "1";
    return { base, url: answer.url, challenges: challengesOf(response), supportsSignatures };
  }
}

function challengesOf(response: Response): Challenge[] {
  return parseChallenges(response.headers.get("www-authenticate") ?? "");
}
