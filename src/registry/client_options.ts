import type { Fetch } from "../internal/room.ts";
import type { Credentials, RegistryWarning, RetryEvent } from "../spec/room.ts";
import type { Timeouts } from "./http_types.ts";

/** Options for {@linkcode RegistryClient}. */
export interface RegistryClientOptions {
  /** User name and password, or an identity token. Default: anonymous access. */
  credentials?: Credentials | undefined;
  /** Bearer token that is sent as it is, instead of requesting one from a token service. Default: none. */
  bearerToken?: string | undefined;
  /**
   * Use plain HTTP if https does not work.
   *
   * @default {false}
   */
  insecure?: boolean | undefined;
  /**
   * Hosts, as in `auth.example:5001`, of token services that get the credentials over plain HTTP even if they are not
   * on the registry's host. Default: none.
   */
  insecureTokenServices?: readonly string[] | undefined;
  /** Sends the requests. Default: the global `fetch`. */
  fetch?: Fetch | undefined;
  /** Value of the `User-Agent` header. Default: name and version of this package. */
  userAgent?: string | undefined;
  /** Called once for each different warning that the registry sends for its users. Default: warnings are ignored. */
  onWarning?: ((warning: RegistryWarning) => void) | undefined;
  /** Called before a request is repeated after a temporary failure. Default: repetitions are not reported. */
  onRetry?: ((event: RetryEvent) => void) | undefined;
  /** Time limits and delays. Default: those named at each member. */
  timeouts?: Timeouts | undefined;
  /**
   * Hosts known to answer plain HTTP but not https. A client adds its host when it finds that out, so that other clients
   * that share the set do not wait for https again. Default: a new empty set.
   */
  plainHosts?: Set<string> | undefined;
}
