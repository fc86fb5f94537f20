import { type Fetch, findUrl } from "../internal/room.ts";
import { parseChallenges, registryOrigins } from "../registry/room.ts";
import { ManifestsError } from "../spec/room.ts";

/** How many places are remembered to which registries sent. */
const MAX_PLACES = 10_000;
/** Names that lead into somebody's own network, whatever a resolver makes of them (RFC 6761, 6762, 8375). */
const INNER_NAME = /(?:^|\.)(?:localhost|local|internal|intranet|private|corp|home|lan|home\.arpa)$/;

/** What {@linkcode guardFetch} needs. */
export interface GuardOptions {
  /** The registries that requests may go to, as in `quay.io`. */
  readonly registries: readonly string[];
  /** Whether they may be spoken to over plain HTTP. */
  readonly insecure: boolean;
  /** Sends a request. */
  readonly fetch: Fetch;
}

/**
 * A `fetch` that reaches the registries of a handler and the places to which those themselves send (redirects, upload
 * locations, token services), and nothing else: not what a caller or a manifest names. Such places must be https and
 * have a public name, because whoever may write to a registry may be able to make it redirect.
 *
 * Names are not resolved, so it cannot tell where they lead; with https, a place there has a certificate of that name.
 *
 * @throws {ManifestsError} With code `DENIED`, by the function that it returns.
 */
export function guardFetch({ registries, insecure, fetch }: GuardOptions): Fetch {
  const origins = registries.map(registryOrigins);
  const own = new Set(origins.flatMap(({ https, http }) => insecure ? [https, http] : [https]));
  const places = new Set<string>();
  const learn = (text: string | null | undefined, base: string) => {
    const url = text ? findUrl(text, base) : undefined;
    if (!url || own.has(url.origin) || url.protocol !== "https:" || !isPublicName(url.hostname)) return;
    places.add(placeOf(url));
    if (places.size > MAX_PLACES) places.delete(places.values().next().value!);
  };
  return async (request) => {
    const url = new URL(request.url);
    if (!own.has(url.origin) && !places.has(placeOf(url))) {
      throw new ManifestsError(
        "DENIED",
        `Cannot ${request.method} ${placeOf(url)} as it belongs to no registry that is configured here`,
      );
    }
    // Redirects that `fetch` itself would follow could not be looked at.
    const response = await fetch(
      request.redirect === "manual" ? request : new Request(request, { redirect: "manual" }),
    );
    learn(response.headers.get("location"), request.url);
    if (own.has(url.origin)) {
      for (const { parameters } of parseChallenges(response.headers.get("www-authenticate") ?? "")) {
        learn(parameters.get("realm"), request.url);
      }
    }
    return response;
  };
}

/** What stays the same where a client adds to a query. */
function placeOf({ origin, pathname }: URL): string {
  return origin + pathname;
}

/** Whether a host of a URL is a name that the public may have: no address, no name of one part. */
function isPublicName(hostname: string): boolean {
  const name = hostname.replace(/\.$/, "");
  return name.includes(".") && !/^[\d.]+$/.test(name) && !name.startsWith("[") && !INNER_NAME.test(name);
}
