import type { Fetch } from "../internal/room.ts";
import type { Credentials } from "../spec/room.ts";
import { RegistryClient } from "./client.ts";
import type { RegistryClientOptions } from "./client_options.ts";

/** Function with which the clients of a pool send requests. */
export interface FetchHandle {
  /** Sends a single request, like the global `fetch`. */
  readonly fetch: Fetch;
  /** Closes idle connections. Requests are not sent afterwards. */
  close(): void;
}

/** Trusted authorities and client certificate for TLS, in PEM format. */
export interface TlsIdentity {
  /** Certificates of authorities to trust in addition to the system's. */
  readonly caCerts: readonly string[];
  /** Certificate of the client. Default: none is presented. */
  readonly cert?: string | undefined;
  /** Private key of the client's certificate. Default: none. */
  readonly key?: string | undefined;
}

/** Options that distinguish the clients of a pool: equal keys share one client. */
export interface ClientKey {
  /** The registry, as in `quay.io` or `localhost:5000`. */
  readonly host: string;
  /** User name and password, or an identity token. Default: anonymous access. */
  readonly credentials?: Credentials | undefined;
  /** Bearer token that is sent as it is. Default: none. */
  readonly bearerToken?: string | undefined;
  /** Use plain HTTP if https does not work. Default: `false`. */
  readonly insecure?: boolean | undefined;
  /** Hosts of token services that get credentials over plain HTTP. Default: none. */
  readonly insecureTokenServices?: readonly string[] | undefined;
  /** TLS certificates. Default: the system's authorities, and no client certificate. */
  readonly tls?: TlsIdentity | undefined;
  /** Value of the `User-Agent` header. Default: name and version of this package. */
  readonly userAgent?: string | undefined;
  /** Sends the requests. Default: the function that the pool opens. */
  readonly fetch?: Fetch | undefined;
  /** Called once for each different warning of the registry. Default: warnings are ignored. */
  readonly onWarning?: RegistryClientOptions["onWarning"];
  /** Called before a request is repeated. Default: repetitions are not reported. */
  readonly onRetry?: RegistryClientOptions["onRetry"];
  /** Time limits and delays. Default: those named at each member. */
  readonly timeouts?: RegistryClientOptions["timeouts"];
}

/** A client in use. Dispose it after the last request. */
export interface ClientLease extends Disposable {
  /** Client for the key that was requested. */
  readonly client: RegistryClient;
}

/**
 * Shares clients, and so connections, tokens and probes, between concurrent users of one registry. The connections are
 * closed when the last user disposes its lease.
 */
export class RegistryPool {
  readonly #openFetch: ((key: ClientKey) => FetchHandle) | undefined;
  readonly #entries = new Map<string, { client: RegistryClient; handle: FetchHandle | undefined; users: number }>();
  readonly #plainHosts = new Set<string>();
  readonly #functionIds = new WeakMap<WeakKey, number>();
  #nextFunctionId = 1;

  /** `openFetch` opens the function with which each client sends requests. Default: the global `fetch`. */
  constructor(openFetch?: (key: ClientKey) => FetchHandle) {
    this.#openFetch = openFetch;
  }

  /** Returns a client for this key. The caller must dispose the lease when it no longer needs the client. */
  acquire(key: ClientKey): ClientLease {
    const { fetch, onWarning, onRetry } = key;
    const ids = { fetch: this.#getId(fetch), onWarning: this.#getId(onWarning), onRetry: this.#getId(onRetry) };
    const id = JSON.stringify({ ...key, ...ids });
    let entry = this.#entries.get(id);
    if (!entry) {
      const handle = key.fetch ? undefined : this.#openFetch?.(key);
      const options = { ...key, fetch: key.fetch ?? handle?.fetch, plainHosts: this.#plainHosts };
      entry = { client: new RegistryClient(key.host, options), handle, users: 0 };
      this.#entries.set(id, entry);
    }
    entry.users++;
    let isHeld = true;
    return {
      client: entry.client,
      [Symbol.dispose]: () => {
        if (isHeld && --entry.users === 0) {
          this.#entries.delete(id);
          entry.handle?.close();
        }
        isHeld = false;
      },
    };
  }

  #getId(value: WeakKey | undefined): number | undefined {
    if (value === undefined) return undefined;
    const id = this.#functionIds.get(value) ?? this.#nextFunctionId++;
    this.#functionIds.set(value, id);
    return id;
  }
}
