import { type Fetch, findUrl } from "../../../internal/room.ts";
import { ManifestsError } from "../../../spec/room.ts";

/** Maximum number of redirects, as in Go's client. */
const MAX_REDIRECTS = 10;

/**
 * Sends a GET request to a lookaside server and follows its redirects, but not from https to http: on an unencrypted
 * connection, an attacker could hide the signatures.
 *
 * @throws {ManifestsError} With code `NETWORK`, or `REGISTRY_ERROR` if there are too many redirects or one is not
 * allowed.
 */
export async function followRedirects(fetch: Fetch, url: URL, signal: AbortSignal | undefined): Promise<Response> {
  let at = url;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const response = await fetch(new Request(at, { redirect: "manual", signal: signal ?? null })).catch((cause) => {
      signal?.throwIfAborted();
      // The target of a redirect, and errors that quote it, may contain tokens.
      const problem = at === url ? (cause as Error).message : "the target of its redirect cannot be reached";
      throw new ManifestsError("NETWORK", `Cannot read signature ${url.href}: ${problem}`, { cause });
    });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status > 399 || location === null) return response;
    await response.body?.cancel();
    at = resolveRedirect(url, at, location);
  }
  fail(url, `there are more than ${MAX_REDIRECTS} redirects`);
}

function resolveRedirect(url: URL, from: URL, location: string): URL {
  const to = findUrl(location, from);
  const allowed = to?.protocol === "https:" || (to?.protocol === "http:" && from.protocol === "http:");
  if (!allowed) fail(url, `it redirects from ${from.protocol} to ${to?.protocol ?? "an invalid URL"}`);
  // `fetch` would send them as an `Authorization` header.
  to!.username = to!.password = "";
  return to!;
}

function fail(url: URL, problem: string): never {
  throw new ManifestsError("REGISTRY_ERROR", `Cannot read signature ${url.href}: ${problem}`);
}
