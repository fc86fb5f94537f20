import type { ProvenanceOptions } from "../actions/room.ts";
import type { SystemContext } from "../image/room.ts";
import type { Kv, KvKey } from "../kv/room.ts";
import type { Authenticator } from "./authentication/types.ts";
import type { HandlerEvent } from "./events.ts";

/** Limits on what a handler accepts and how long it works. */
export interface HandlerLimits {
  /**
   * Maximum size of a request's body, in bytes.
   *
   * @default {65_536}
   */
  readonly bodyBytes?: number | undefined;
  /**
   * Time in which a request's body must arrive, in milliseconds.
   *
   * @default {10_000}
   */
  readonly bodyTimeout?: number | undefined;
  /**
   * Time in which a request is answered, in milliseconds. Work that is not finished by then is aborted.
   *
   * @default {60_000}
   */
  readonly requestTimeout?: number | undefined;
  /**
   * Maximum number of authenticated requests that are handled at the same time. Others get status 503 and `Retry-After`.
   *
   * @default {64}
   */
  readonly concurrentRequests?: number | undefined;
  /**
   * Maximum number of authenticated requests of one caller in a minute, in each process. Others get status 429 and
   * `Retry-After`.
   *
   * @default {6000}
   */
  readonly requestsPerMinute?: number | undefined;
  /**
   * Maximum number of unfinished runs of a fan-in that one caller has begun. Reports that would begin another one get
   * status 429 and `Retry-After`. Reports at the same time can exceed it by a few.
   *
   * @default {1000}
   */
  readonly openRuns?: number | undefined;
  /**
   * Maximum number of sources of an index; at most 48, the number of platforms that a fan-in record has room for.
   *
   * @default {48}
   */
  readonly sources?: number | undefined;
  /**
   * Maximum size of the annotations of an index, in bytes; at most 8,192, which a fan-in record has room for.
   *
   * @default {8192}
   */
  readonly annotationBytes?: number | undefined;
}

/** Limits with their defaults filled in. */
export type ResolvedLimits = { readonly [name in keyof HandlerLimits]-?: number };

/** Options for {@linkcode createHandler}. */
export interface HandlerOptions {
  /** Authenticators, which say who may call and what each caller may do. A token is valid if one of them accepts it. */
  readonly authorize: Authenticator | readonly Authenticator[];
  /** Repositories that callers may write, as in `quay.io/me/app`, `quay.io/me/*` or `quay.io/*`. */
  readonly targets: readonly string[];
  /** Repositories that callers may read in addition to `targets`. Default: none. */
  readonly sources?: readonly string[] | undefined;
  /**
   * System context for requests to registries, including their credentials. `dockerAuthConfig` and
   * `dockerBearerRegistryToken` are allowed only with a single registry: for several, use `credentials`. Default: `{}`,
   * which means anonymous requests.
   */
  readonly systemContext?: SystemContext | undefined;
  /** Database for fan-in, such as the result of `Deno.openKv()`. The caller closes it. Default: no fan-in endpoint. */
  readonly kv?: Kv | undefined;
  /**
   * Prefix of the keys in the database.
   *
   * @default {["multiarch", "fan-in"]}
   */
  readonly kvPrefix?: KvKey | undefined;
  /**
   * Time for which a run of a fan-in is kept after its first report, in milliseconds. The digests that the latest runs
   * of each tag published are kept forever.
   *
   * @default {604_800_000}
   */
  readonly runLifetime?: number | undefined;
  /**
   * Time after which another request may publish a run whose publisher has died, in milliseconds; at least 1,000. A
   * publisher that is alive keeps renewing its lease. The clocks of all hosts must agree within a third of this time.
   *
   * @default {30_000}
   */
  readonly publishLease?: number | undefined;
  /**
   * Path below which the endpoints are served.
   *
   * @default {"/"}
   */
  readonly basePath?: string | undefined;
  /**
   * Provenance to attach to each index that is composed, also by a fan-in, before any of its names is written. The id of
   * a fan-in's run is the default of `builder.invocationId`. Default: none.
   */
  readonly provenance?: ProvenanceOptions | undefined;
  /** Limits; see {@linkcode HandlerLimits} for the defaults. */
  readonly limits?: HandlerLimits | undefined;
  /** Returns the current time, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /**
   * Called with each error that is answered with a status of 500 or above. The error can contain details that callers
   * must not see. `requestId` is what the answer has as `x-request-id`. Errors that the callback throws are ignored.
   * Default: no callback.
   */
  readonly onError?: ((error: unknown, request: { readonly requestId: string }) => void) | undefined;
  /**
   * Called with each request when it is answered, and with each step of a run: who did what, by which rule, and the
   * result. Errors that the callback throws are ignored. Default: no callback.
   */
  readonly onEvent?: ((event: HandlerEvent) => void) | undefined;
}

/** Upper bounds, so that the record of a run fits into a value of Deno KV: at most 64 KiB. */
const MAXIMA: HandlerLimits = { sources: 48, annotationBytes: 8192 };

const DEFAULTS: ResolvedLimits = {
  bodyBytes: 65_536,
  bodyTimeout: 10_000,
  requestTimeout: 60_000,
  concurrentRequests: 64,
  requestsPerMinute: 6000,
  openRuns: 1000,
  sources: 48,
  annotationBytes: 8192,
};

/**
 * Returns the limits with their defaults filled in.
 *
 * @throws {RangeError} If a limit is unknown or out of range.
 */
export function resolveLimits(limits: HandlerLimits = {}): ResolvedLimits {
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    const known = Object.hasOwn(DEFAULTS, name);
    const maximum = MAXIMA[name as keyof HandlerLimits] ?? Number.MAX_SAFE_INTEGER;
    if (known && Number.isInteger(value) && value >= 1 && value <= maximum) continue;
    throw new RangeError(
      known
        ? `Cannot create a handler: limits.${name} must be an integer from 1 to ${maximum}: current value is ${value}`
        : `Cannot create a handler: unknown limit ${JSON.stringify(name)}`,
    );
  }
  return { ...DEFAULTS, ...Object.fromEntries(given) };
}
