import { type Fetch, findUrl } from "../internal/room.ts";
import { parseChallenges, registryOrigins } from "../registry/room.ts";
import { ManifestsError } from "../spec/room.ts";

/** Maximum number of remembered URLs to which registries referred, so that memory stays bounded. */
const MAX_LEARNED = 10_000;
/** Names that belong to private networks (RFC 6761, 6762, 8375). */
const INNER_NAME = /(?:^|\.)(?:localhost|local|internal|intranet|private|corp|home|lan|home\.arpa)$/;

/** Options for {@linkcode guardFetch}. */
export interface GuardOptions {
  /** Registries that may be called, as in `quay.io`. */
  readonly registries: readonly string[];
  /** Whether plain HTTP is allowed for these registries. */
  readonly insecure: boolean;
  /** Function that sends the requests. */
  readonly fetch: Fetch;
}

/**
 * Returns a `fetch` that calls only the given registries and the URLs to which these registries themselves refer
 * (redirects, upload locations, token services). URLs that a caller or a manifest names are rejected. A referred URL
 * must be https and have a public host name, because anyone who may write to a registry may be able to make it
 * redirect.
 *
 * Host names are not resolved, so a public name with a private address is not detected; with https, the server there
 * must have a certificate for that name.
 *
 * The returned function rejects with a `ManifestsError` with code `DENIED` for any other URL.
 */
export function guardFetch({ registries, insecure, fetch }: GuardOptions): Fetch {
  const origins = registries.map(registryOrigins);
  const registryUrls = new Set(origins.flatMap(({ https, http }) => insecure ? [https, http] : [https]));
  const learned = new Set<string>();
  const learn = (text: string | null | undefined, base: string) => {
    const url = text ? findUrl(text, base) : undefined;
    if (!url || registryUrls.has(url.origin) || url.protocol !== "https:" || !isPublicName(url.hostname)) return;
    learned.add(withoutQuery(url));
    if (learned.size > MAX_LEARNED) learned.delete(learned.values().next().value!);
  };
  return async (request) => {
    const url = new URL(request.url);
    if (!registryUrls.has(url.origin) && !learned.has(withoutQuery(url))) {
      throw new ManifestsError(
        "DENIED",
        `Cannot ${request.method} ${withoutQuery(url)}: it does not belong to a registry in targets or sources`,
      );
    }
    // If `fetch` followed redirects itself, their targets could not be checked.
    const response = await fetch(
      request.redirect === "manual" ? request : new Request(request, { redirect: "manual" }),
    );
    learn(response.headers.get("location"), request.url);
    if (registryUrls.has(url.origin)) {
      for (const { parameters } of parseChallenges(response.headers.get("www-authenticate") ?? "")) {
        learn(parameters.get("realm"), request.url);
      }
    }
    return response;
  };
}

/** Returns a URL without its query, because clients add parameters to upload and token URLs. */
function withoutQuery({ origin, pathname }: URL): string {
  return origin + pathname;
}

/** Returns whether a host is a public name: not an address, not a single label, not a private domain. */
function isPublicName(hostname: string): boolean {
  const name = hostname.replace(/\.$/, "");
  return name.includes(".") && !/^[\d.]+$/.test(name) && !name.startsWith("[") && !INNER_NAME.test(name);
}
