import type { SystemContext } from "../image/room.ts";
import type { Kv, KvKey } from "../kv/room.ts";
import type { Authenticator } from "./authentication/types.ts";

/** How much a handler takes on. */
export interface HandlerLimits {
  /**
   * Bytes of a request's body.
   *
   * @default {65_536}
   */
  readonly bodyBytes?: number | undefined;
  /**
   * Milliseconds in which a request's body must have arrived.
   *
   * @default {10_000}
   */
  readonly bodyTimeout?: number | undefined;
  /**
   * Milliseconds in which a request is answered. What it has begun by then ends.
   *
   * @default {60_000}
   */
  readonly requestTimeout?: number | undefined;
  /**
   * How many requests of known callers are answered at once; the others are told to come back.
   *
   * @default {64}
   */
  readonly concurrentRequests?: number | undefined;
  /**
   * Images of an index; at most 48, the platforms that a fan-in can remember.
   *
   * @default {48}
   */
  readonly sources?: number | undefined;
  /**
   * Bytes of the annotations of an index; at most 8,192, which a fan-in can remember.
   *
   * @default {8192}
   */
  readonly annotationBytes?: number | undefined;
}

/** Limits of which each is there. */
export type ResolvedLimits = { readonly [name in keyof HandlerLimits]-?: number };

/** Options for {@linkcode createHandler}. */
export interface HandlerOptions {
  /** How callers prove who they are, and what they may do. A token that one of them knows is accepted. */
  readonly authorize: Authenticator | readonly Authenticator[];
  /** The repositories that may be written, as in `quay.io/me/app`, `quay.io/me/*` or `quay.io/*`. */
  readonly targets: readonly string[];
  /** The repositories that images may come from besides; default: none. */
  readonly sources?: readonly string[] | undefined;
  /**
   * How to reach the registries, credentials above all. Those of `dockerAuthConfig` and `dockerBearerRegistryToken` are
   * for one registry: where there are several, use `credentials`.
   */
  readonly systemContext?: SystemContext | undefined;
  /** Where reports are kept, such as what `Deno.openKv()` returned; it remains yours to close. Default: no fan-in. */
  readonly kv?: Kv | undefined;
  /**
   * The keys below which they are kept.
   *
   * @default {["multiarch", "fan-in"]}
   */
  readonly kvPrefix?: KvKey | undefined;
  /**
   * Milliseconds for which a run of a fan-in is remembered after its first report. What the latest runs of each tag
   * published is remembered for ever.
   *
   * @default {604_800_000}
   */
  readonly runLifetime?: number | undefined;
  /**
   * The path below which the endpoints are.
   *
   * @default {"/"}
   */
  readonly basePath?: string | undefined;
  /** How much it takes on; see the members for the defaults. */
  readonly limits?: HandlerLimits | undefined;
  /** What the time is, in milliseconds since 1970; default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /**
   * Told of what is answered with a status of 500 and above, which may hold what no caller should see. What it throws is
   * ignored.
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** The most that records of a fan-in have room for: a value of Deno KV has at most 64 KiB. */
const MAXIMA: HandlerLimits = { sources: 48, annotationBytes: 8192 };

const DEFAULTS: ResolvedLimits = {
  bodyBytes: 65_536,
  bodyTimeout: 10_000,
  requestTimeout: 60_000,
  concurrentRequests: 64,
  sources: 48,
  annotationBytes: 8192,
};

/** The limits with their defaults; throws a `RangeError` where one cannot be. */
export function resolveLimits(limits: HandlerLimits = {}): ResolvedLimits {
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    const known = Object.hasOwn(DEFAULTS, name);
    const maximum = MAXIMA[name as keyof HandlerLimits] ?? Number.MAX_SAFE_INTEGER;
    if (known && Number.isInteger(value) && value >= 1 && value <= maximum) continue;
    throw new RangeError(
      known
        ? `Cannot create a handler as limits.${name} must be an integer from 1 to ${maximum}: current value is ${value}`
        : `Cannot create a handler as there is no limit ${JSON.stringify(name)}`,
    );
  }
  return { ...DEFAULTS, ...Object.fromEntries(given) };
}
