import { delay } from "@std/async";
import { abortable, joinSignals, startTimer } from "../internal/room.ts";
import { ManifestsError } from "../spec/room.ts";
import { type Challenge, getChallenges } from "./challenge.ts";
import { readError, RegistryError } from "./errors.ts";
import type { HttpClient } from "./http.ts";
import { isTransientError } from "./failures.ts";
import type { RegistryOrigins } from "./origins.ts";
import { isLoopbackHost } from "./private_host.ts";

/** Maximum time to wait for https after plain HTTP has answered, in milliseconds; the same as in skopeo. */
const PROBE_TIMEOUT = 10_000;
/**
 * Time that plain HTTP has on the loopback interface before https is tried too, in milliseconds. The first TLS handshake
 * of a process takes 40 ms, in which nothing else runs; a local registry answers in less than 5.
 */
const HEAD_START = 200;

/** Result of a probe: address, authentication and extensions of a registry. */
export interface RegistryEndpoint {
  /** Scheme and host, as in `https://quay.io`. */
  readonly base: string;
  /** Authentication challenges of the registry's response. */
  readonly challenges: readonly Challenge[];
  /** URL that answered; the challenges are from there. */
  readonly url: string;
  /** The registry stores simple signatures itself. */
  readonly supportsSignatures: boolean;
}

/** Options for {@linkcode EndpointProbe}. */
export interface EndpointProbeOptions {
  /** The registry, as in `quay.io`. */
  readonly host: string;
  /** Base URLs of the registry. */
  readonly origins: RegistryOrigins;
  /** Plain HTTP may be used. Default: `false`. */
  readonly insecure: boolean;
  /** Client that sends the requests. */
  readonly http: HttpClient;
  /** Hosts known to answer plain HTTP but not https; the probe adds its host if that is the case. */
  readonly plainHosts: Set<string>;
  /** Maximum time to wait for https after plain HTTP has answered, in milliseconds. Default: 10,000. */
  readonly probeTimeout: number | undefined;
}

/** Finds out whether a registry answers over https or plain HTTP, and which authentication it requires. */
export class EndpointProbe {
  readonly #options: EndpointProbeOptions;

  constructor(options: EndpointProbeOptions) {
    this.#options = options;
  }

  /**
   * Probes the registry once.
   *
   * @throws {ManifestsError} With code `NETWORK` if it cannot be reached, `PORT_BLOCKED` if `fetch` refuses its port.
   * @throws {RegistryError} With the code of its status if it answers with neither 200 nor 401.
   */
  async find(signal: AbortSignal): Promise<RegistryEndpoint> {
    const { insecure, origins } = this.#options;
    if (!insecure) return await this.#ping(origins.https, signal).catch((cause) => this.#fail(cause));
    // Both at the same time: if the registry only speaks HTTP, waiting for TLS to fail first costs round trips. The
    // response that comes second is not used at all.
    const lost = new AbortController();
    using joined = joinSignals(signal, lost.signal);
    const http = this.#ping(origins.http, joined.signal);
    const https = this.#pingHttps(http, joined.signal);
    http.catch(() => {});
    try {
      return await Promise.race([https, this.#preferHttps(https, http, joined.signal)]);
    } catch (httpsError) {
      return await http.catch((httpError) => this.#fail(new AggregateError([httpsError, httpError])));
    } finally {
      lost.abort();
    }
  }

  /** On the loopback interface, plain HTTP needs no protection: a registry that answers there is not asked over https. */
  #isEnough({ base, url }: RegistryEndpoint): boolean {
    // A server for https may answer a plain request with a redirect.
    return isLoopbackHost(new URL(base)) && new URL(url).origin === base;
  }

  /** Pings over https; on the loopback interface, only if plain HTTP fails or takes long. */
  async #pingHttps(http: Promise<RegistryEndpoint>, signal: AbortSignal): Promise<RegistryEndpoint> {
    const { origins, probeTimeout = PROBE_TIMEOUT } = this.#options;
    if (isLoopbackHost(new URL(origins.https))) {
      const failed = new AbortController();
      using joined = joinSignals(signal, failed.signal);
      http.then((endpoint) => this.#isEnough(endpoint) || failed.abort(), () => failed.abort());
      const over = new Promise<void>((resolve) => {
        const stopTimer = startTimer(Math.min(HEAD_START, probeTimeout), resolve);
        failed.signal.addEventListener("abort", stopTimer, { once: true });
      });
      await abortable(over, joined.signal).catch(() => failed.abort());
      // Plain HTTP was enough, or the caller has given up.
      signal.throwIfAborted();
    }
    return await this.#ping(origins.https, signal);
  }

  /** Returns the plain HTTP endpoint if https does not answer in time: some servers never answer a TLS hello. */
  async #preferHttps(
    https: Promise<RegistryEndpoint>,
    http: Promise<RegistryEndpoint>,
    signal: AbortSignal,
  ): Promise<RegistryEndpoint> {
    const { host, plainHosts, probeTimeout = PROBE_TIMEOUT } = this.#options;
    try {
      const endpoint = await http;
      const wait = plainHosts.has(host) || this.#isEnough(endpoint) ? 0 : probeTimeout;
      if (wait > 0) await delay(wait, { signal });
      plainHosts.add(host);
      return endpoint;
    } catch {
      return await https;
    }
  }

  #fail(cause: unknown): never {
    const reasons = cause instanceof AggregateError ? cause.errors : [cause];
    for (const reason of reasons) {
      if (!(reason instanceof ManifestsError) || reason.code === "PORT_BLOCKED") throw reason;
    }
    // A registry that answered at all can be reached: its error explains more than that of the other scheme.
    for (const reason of reasons.toReversed()) if (reason instanceof RegistryError) throw reason;
    const text = reasons.map((reason) => (reason as Error).message).join("; ");
    const hint = /InvalidContentType/.test(text)
      ? "; it seems to speak plain HTTP: allow that with --tls-verify=false (dockerInsecureSkipTlsVerify)"
      : "";
    const isTransient = reasons.some(isTransientError);
    throw new ManifestsError("NETWORK", `Cannot reach the registry ${this.#options.host}: ${text}${hint}`, {
      cause,
      isTransient,
    });
  }

  async #ping(base: string, signal: AbortSignal): Promise<RegistryEndpoint> {
    const url = `${base}/v2/`;
    // No retries here: the caller repeats the whole probe, not one half of it.
    const answer = await this.#options.http.send({ method: "GET", url, signal, maxRetries: 0 });
    const { response } = answer;
    if (response.status !== 200 && response.status !== 401) throw await readError("GET", answer);
    await response.body?.cancel();
    // After a redirect to another host, the only known fact is that the registry answers.
    if (new URL(answer.url).origin !== base) {
      return { base, url: answer.url, challenges: [], supportsSignatures: false };
    }
    const supportsSignatures = response.headers.get("x-registry-supports-signatures") === "1";
    return { base, url: answer.url, challenges: getChallenges(response), supportsSignatures };
  }
}
