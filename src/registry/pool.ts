import type { Fetch } from "../internal/room.ts";
import type { Credentials } from "../spec/room.ts";
import { RegistryClient } from "./client.ts";
import type { RegistryClientOptions } from "./client_options.ts";

/** How the clients of a pool send requests. */
export interface FetchHandle {
  /** Sends a request. */
  readonly fetch: Fetch;
  /** Frees what the function holds, such as idle connections. */
  close(): void;
}

/** Whom to believe, and what to show, over TLS. All in PEM. */
export interface TlsIdentity {
  /** Authorities that are believed besides the system's. */
  readonly caCerts: readonly string[];
  /** The client's certificate. */
  readonly cert?: string | undefined;
  /** The key of the client's certificate. */
  readonly key?: string | undefined;
}

/** What tells clients of one registry apart. */
export interface ClientKey {
  /** Registry host. */
  readonly host: string;
  /** Credentials. */
  readonly credentials?: Credentials | undefined;
  /** A bearer token to send as it is. */
  readonly bearerToken?: string | undefined;
  /** Whether plain HTTP is fine. */
  readonly insecure?: boolean | undefined;
  /** Hosts of token services that get credentials also over plain HTTP. */
  readonly insecureTokenServices?: readonly string[] | undefined;
  /** Certificates; default: the system's authorities, and nothing to show. */
  readonly tls?: TlsIdentity | undefined;
  /** `User-Agent` header. */
  readonly userAgent?: string | undefined;
  /** Replaces the pool's own way to send. */
  readonly fetch?: Fetch | undefined;
  /** Told, once each, of what the registry wants to be shown to its users. */
  readonly onWarning?: RegistryClientOptions["onWarning"];
  /** Called before a request is repeated. */
  readonly onRetry?: RegistryClientOptions["onRetry"];
  /** Timeouts and delays. */
  readonly timeouts?: RegistryClientOptions["timeouts"];
}

/** A client that is in use. */
export interface ClientLease extends Disposable {
  /** The client. */
  readonly client: RegistryClient;
}

/**
 * Shares clients, and so connections, tokens and probes, among those who talk to one registry at the same time. The
 * last one to leave closes the connections.
 */
export class RegistryPool {
  readonly #openFetch: ((key: ClientKey) => FetchHandle) | undefined;
  readonly #entries = new Map<string, { client: RegistryClient; handle: FetchHandle | undefined; users: number }>();
  readonly #plainHosts = new Set<string>();
  readonly #functionIds = new WeakMap<WeakKey, number>();
  #nextFunctionId = 1;

  /** `openFetch` makes the sender of each client; default: the global `fetch`. */
  constructor(openFetch?: (key: ClientKey) => FetchHandle) {
    this.#openFetch = openFetch;
  }

  /** A client for this key; dispose the lease when done. */
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
    let held = true;
    return {
      client: entry.client,
      [Symbol.dispose]: () => {
        if (held && --entry.users === 0) {
          this.#entries.delete(id);
          entry.handle?.close();
        }
        held = false;
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
