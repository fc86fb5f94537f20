import { AccessControl, type AccessOptions } from "./access.ts";
import { ApiError, createEmptyResponse } from "./answers.ts";
import { BlobHandlers } from "./blobs.ts";
import { ManifestHandlers } from "./manifests.ts";
import type { RegistryStorage } from "./storage.ts";

/** Options for {@linkcode createRegistry}. */
export interface RegistryOptions {
  /** Storage for blobs, manifests and tags. */
  storage: RegistryStorage;
  /** Users and their authentication. Default: anonymous access to everything. */
  access?: AccessOptions | undefined;
  /** Returns the time in milliseconds, for the expiry of upload sessions and tokens. Default: `Date.now`. */
  now?: (() => number) | undefined;
  /** Called with the error if a request fails with status 500, as with a full disk. Default: errors are not reported. */
  onError?: ((error: unknown) => void) | undefined;
}

/** A registry as a function from request to response. */
export interface Registry {
  /** Answers a request. Can be passed to `Deno.serve`, or as `fetch` to a client in the same process. */
  readonly fetch: (request: Request) => Promise<Response>;
}

/** Name of a repository (distribution-spec, "Pulling manifests"). */
const NAME = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*)*";
/** Maximum length of a repository's name, as in other registries: file systems do not allow longer file names. */
const MAX_NAME = 255;
const NAME_REGEXP = new RegExp(`^${NAME}$`);
const ROUTE_REGEXP = new RegExp(`^/v2/(${NAME})/(manifests|blobs/uploads|blobs|tags|referrers)/([^/]*)$`);

/**
 * Creates a registry of the OCI distribution specification: for tests, demos and offline work. Start it with
 * `Deno.serve(registry.fetch)`.
 *
 * @example
 * ```ts
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const registry = createRegistry({ storage: createMemoryStorage() });
 * const response = await registry.fetch(new Request("http://registry.example/v2/"));
 * assert.equal(response.status, 200);
 * ```
 */
export function createRegistry(options: RegistryOptions): Registry {
  const now = options.now ?? Date.now;
  const blobs = new BlobHandlers(options.storage, now);
  const manifests = new ManifestHandlers(options.storage);
  const access = options.access && new AccessControl(options.access, now);
  const route = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const reading = request.method === "GET" || request.method === "HEAD";
    if (access && url.pathname === "/token") return await access.issueToken(request, url);
    const [, repository, kind, reference] = ROUTE_REGEXP.exec(url.pathname) ?? [];
    await access?.assertAllowed(request, url, repository, getActions(request.method));
    if (url.pathname === "/v2/" || url.pathname === "/v2") return createEmptyResponse(200);
    if (url.pathname === "/v2/_catalog" && reading) return await manifests.catalog(url);
    if (repository === undefined || reference === undefined) throw new ApiError("NAME_INVALID", "no such route");
    if (repository.length > MAX_NAME) throw new ApiError("NAME_INVALID", `name has more than ${MAX_NAME} characters`);
    switch (kind) {
      case "manifests":
        if (!["GET", "HEAD", "PUT", "DELETE"].includes(request.method)) break;
        return await manifests.manifest(request, url, repository, reference);
      case "blobs":
        if (!reading && request.method !== "DELETE") break;
        return await blobs.blob(request, repository, reference);
      case "blobs/uploads":
        return reference === "" && request.method === "POST"
          ? await blobs.start(request, url, repository, (from) => mayPull(access, request, url, from))
          : await blobs.session(request, url, repository, reference);
      case "tags":
        if (!reading || reference !== "list") break;
        return await manifests.tags(url, repository);
      case "referrers":
        if (!reading) break;
        return await manifests.referrers(url, repository, reference);
    }
    throw new ApiError("UNSUPPORTED", `${request.method} is not supported here`);
  };

  return {
    fetch: async (request) => {
      try {
        const response = await route(request);
        response.headers.set("docker-distribution-api-version", "registry/2.0");
        return response;
      } catch (error) {
        await request.body?.cancel().catch(() => {});
        if (error instanceof ApiError) return withoutBodyOnHead(request, error.response);
        options.onError?.(error);
        return createEmptyResponse(500);
      }
    },
  };
}

/** Returns whether the caller may read a repository, and so mount blobs from it. */
async function mayPull(
  access: AccessControl | undefined,
  request: Request,
  url: URL,
  repository: string,
): Promise<boolean> {
  if (repository.length > MAX_NAME || !NAME_REGEXP.test(repository)) return false;
  try {
    await access?.assertAllowed(request, url, repository, "pull");
    return true;
  } catch {
    return false;
  }
}

/** Removes the body of a response to `HEAD`: over HTTP/2 servers would send it, which is a protocol error for Go clients. */
function withoutBodyOnHead({ method }: Request, response: Response): Response {
  const { status, headers } = response;
  return method === "HEAD" ? new Response(null, { status, headers }) : response;
}

function getActions(method: string): string {
  return method === "GET" || method === "HEAD" ? "pull" : method === "DELETE" ? "*" : "pull,push";
}
