import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { serve, type TestRegistry } from "./registries.ts";

/** Response headers that a page of another origin may read; it needs them to use a registry. */
const EXPOSED = "docker-content-digest, etag, link, location, oci-chunk-min-length, oci-subject, range, warning, " +
  "www-authenticate";

/**
 * Starts the embedded registry so that pages of other origins may use it (Fetch, "CORS protocol"). It redirects whoever
 * asks for a blob, as large registries do.
 */
export function startWithCors(): TestRegistry {
  const errors: unknown[] = [];
  const registry = createRegistry({ storage: createMemoryStorage(), onError: (error) => void errors.push(error) });
  const server = serve(async (request) => {
    const requestedHeaders = request.headers.get("access-control-request-headers");
    const url = new URL(request.url);
    const moved = request.method === "GET" && /\/blobs\/sha256:/.test(url.pathname) && url.search === "";
    const preflight = request.method === "OPTIONS" && requestedHeaders !== null;
    const response = preflight
      ? new Response(null, { status: 204 })
      : moved
      ? new Response(null, { status: 307, headers: { location: `${url.pathname}?signed` } })
      : await registry.fetch(request);
    response.headers.set("access-control-allow-origin", "*");
    response.headers.set("access-control-expose-headers", EXPOSED);
    if (requestedHeaders !== null) response.headers.set("access-control-allow-headers", requestedHeaders);
    if (preflight) response.headers.set("access-control-allow-methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
    return response;
  });
  return { ...server, errors };
}
