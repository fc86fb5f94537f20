import { AccessControl, type AccessOptions } from "./access.ts";
import { ApiError, emptyAnswer } from "./answers.ts";
import { BlobHandlers } from "./blobs.ts";
import { ManifestHandlers } from "./manifests.ts";
import type { RegistryStorage } from "./storage.ts";

/** Options for {@linkcode createRegistry}. */
export interface RegistryOptions {
  /** Where everything is kept. */
  storage: RegistryStorage;
  /** Who may use it; default: everybody. */
  access?: AccessOptions | undefined;
  /** Returns the time in milliseconds, by which upload sessions and tokens expire; default: `Date.now`. */
  now?: (() => number) | undefined;
  /** Told of every request that failed for a reason of our own, such as a full disk. */
  onError?: ((error: unknown) => void) | undefined;
}

/** A registry. */
export interface Registry {
  /** Answers a request, as `Deno.serve` wants it; also good as the `fetch` of a client in the same process. */
  readonly fetch: (request: Request) => Promise<Response>;
}

const NAME = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*)*";
/** Longest name of a repository, as in other registries. A file system has no longer file names. */
const MAX_NAME = 255;
const NAME_REGEXP = new RegExp(`^${NAME}$`);
const ROUTE_REGEXP = new RegExp(`^/v2/(${NAME})/(manifests|blobs/uploads|blobs|tags|referrers)/([^/]*)$`);

/**
 * A registry of the OCI distribution specification as one function from request to response: for tests, for demos,
 * for working offline. Start it with `Deno.serve(registry.fetch)`.
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

  /** Whether blobs of another repository may be mounted from there by who asks. */
  const mayPull = async (request: Request, url: URL, repository: string): Promise<boolean> => {
    if (repository.length > MAX_NAME || !NAME_REGEXP.test(repository)) return false;
    try {
      await access?.assertAllowed(request, url, repository, "pull");
      return true;
    } catch {
      return false;
    }
  };
  const route = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const reading = request.method === "GET" || request.method === "HEAD";
    if (access && url.pathname === "/token") return await access.token(request, url);
    const [, repository, kind, reference] = ROUTE_REGEXP.exec(url.pathname) ?? [];
    await access?.assertAllowed(request, url, repository, getActions(request.method));
    if (url.pathname === "/v2/" || url.pathname === "/v2") return emptyAnswer(200);
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
          ? await blobs.start(request, url, repository, (from) => mayPull(request, url, from))
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
        return emptyAnswer(500);
      }
    },
  };
}

/** Over HTTP/2, servers send the body of an answer to `HEAD`, which Go's clients take for a protocol error. */
function withoutBodyOnHead({ method }: Request, response: Response): Response {
  const { status, headers } = response;
  return method === "HEAD" ? new Response(null, { status, headers }) : response;
}

function getActions(method: string): string {
  return method === "GET" || method === "HEAD" ? "pull" : method === "DELETE" ? "*" : "pull,push";
}
