import { type Fetch, findUrl } from "../../../internal/room.ts";
import { ManifestsError } from "../../../spec/room.ts";

/** As many as Go's client follows. */
const MAX_REDIRECTS = 10;

/**
 * Asks a lookaside server, and whoever it names instead, but never in clear text who was to be asked over https: on that
 * way somebody else could say that there are no signatures.
 *
 * @throws {ManifestsError} With code `NETWORK`, or `REGISTRY_ERROR` where a redirect leads where it must not.
 */
export async function followRedirects(fetch: Fetch, url: URL, signal: AbortSignal | undefined): Promise<Response> {
  let at = url;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const response = await fetch(new Request(at, { redirect: "manual", signal: signal ?? null })).catch((cause) => {
      signal?.throwIfAborted();
      // Where redirects lead, and so what is said of it, may hold tokens.
      const problem = at === url ? (cause as Error).message : "where it redirects to cannot be reached";
      throw new ManifestsError("NETWORK", `Cannot read signature ${url.href}: ${problem}`, { cause });
    });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status > 399 || location === null) return response;
    await response.body?.cancel();
    at = redirected(url, at, location);
  }
  fail(url, "it redirects too often");
}

function redirected(url: URL, from: URL, location: string): URL {
  const to = findUrl(location, from);
  const allowed = to?.protocol === "https:" || (to?.protocol === "http:" && from.protocol === "http:");
  if (!allowed) fail(url, `it redirects from ${from.protocol} to ${to?.protocol ?? "what is no URL"}`);
  // `fetch` would make an `Authorization` header of them.
  to!.username = to!.password = "";
  return to!;
}

function fail(url: URL, problem: string): never {
  throw new ManifestsError("REGISTRY_ERROR", `Cannot read signature ${url.href} as ${problem}`);
}
