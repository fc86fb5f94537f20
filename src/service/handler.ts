import { abortable } from "../internal/room.ts";
import { errorAnswer, jsonAnswer, refusalOf } from "./answers.ts";
import { authenticate } from "./authentication/authenticate.ts";
import type { Authenticator, HandlerAction } from "./authentication/types.ts";
import type { Endpoint } from "./endpoints.ts";
import type { ResolvedLimits } from "./options.ts";
import type { Permissions } from "./permissions.ts";
import { badRequest, Refusal } from "./refusal.ts";
import { readJsonBody } from "./request_body.ts";

/** What an endpoint does, by method. */
export interface Route {
  /** Looks at something. */
  readonly GET?: Endpoint;
  /** Does something. */
  readonly POST: Endpoint;
}

/** What a {@linkcode Handler} is made of. */
export interface HandlerParts {
  /** By what follows the base in the path. */
  readonly routes: { readonly [action in HandlerAction]?: Route };
  /** The path before them, as in `/api/`. */
  readonly base: string;
  /** Who callers are. */
  readonly authenticators: readonly Authenticator[];
  /** What they may do. */
  readonly permissions: Permissions;
  /** How much is taken on. */
  readonly limits: ResolvedLimits;
  /** What the time is. */
  readonly now: () => number;
  /** Told of trouble. */
  readonly onError: ((error: unknown) => void) | undefined;
}

/** Answers requests: never rejects, and always within its time. */
export class Handler {
  readonly #parts: HandlerParts;
  #running = 0;

  /** A handler that has answered nothing yet. */
  constructor(parts: HandlerParts) {
    this.#parts = parts;
  }

  /** Answers a request. Who goes away meanwhile does not end what they asked for. */
  async answer(request: Request): Promise<Response> {
    const { requestTimeout } = this.#parts.limits;
    const end = new AbortController();
    const timer = setTimeout(() => {
      const message = `Cannot answer as it took more than ${requestTimeout} ms`;
      end.abort(new Refusal(504, { code: "TIMEOUT", message }, { "retry-after": "1" }));
    }, requestTimeout);
    try {
      return await this.#route(request, end.signal);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal.status >= 500) this.#tell(error);
      // What nobody has begun to read is not read any more.
      if (request.body && !request.body.locked) await request.body.cancel().catch(() => {});
      return errorAnswer(refusal);
    } finally {
      clearTimeout(timer);
    }
  }

  #tell(error: unknown): void {
    try {
      this.#parts.onError?.(error);
    } catch {
      // The caller is answered all the same.
    }
  }

  async #route(request: Request, signal: AbortSignal): Promise<Response> {
    const { routes, base } = this.#parts;
    const { pathname } = new URL(request.url);
    const action = pathname.startsWith(base) ? pathname.slice(base.length) : "";
    if (!Object.hasOwn(routes, action)) {
      throw new Refusal(404, { code: "ENDPOINT_UNKNOWN", message: "Cannot find such an endpoint" });
    }
    const { GET, POST } = routes[action as HandlerAction]!;
    const allow = `${GET ? "GET, HEAD, " : ""}POST, OPTIONS`;
    const call = (endpoint: Endpoint) => this.#call(request, { action: action as HandlerAction, endpoint, signal });
    const { method } = request;
    if (method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
    if (method === "POST") return await call(POST);
    if (method === "GET" && GET) return await call(GET);
    if (method === "HEAD" && GET) return new Response(null, await call(GET));
    throw new Refusal(405, { code: "METHOD_NOT_ALLOWED", message: `Cannot do that otherwise than with ${allow}` }, {
      allow,
    });
  }

  async #call(
    request: Request,
    { action, endpoint, signal }: { action: HandlerAction; endpoint: Endpoint; signal: AbortSignal },
  ): Promise<Response> {
    const { authenticators, permissions, limits, now } = this.#parts;
    // What does not care for the signal, as a database that is stuck, must not hold the answer, nor a place.
    const grants = await abortable(authenticate(request.headers, authenticators, { now: now(), signal }), signal);
    const reach = permissions.at(action, grants);
    // Counted are those whom we know: strangers cannot take the places.
    if (this.#running >= limits.concurrentRequests) {
      const message = "Cannot answer as too many requests are being answered";
      throw new Refusal(503, { code: "OVERLOADED", message }, { "retry-after": "1" });
    }
    this.#running++;
    try {
      const body = request.method === "POST" ? await readJsonBody(request, limits, signal) : readQuery(request.url);
      return jsonAnswer(await abortable(endpoint({ body, reach, signal }), signal));
    } finally {
      this.#running--;
    }
  }
}

function readQuery(url: string): Record<string, string> {
  const entries = [...new URL(url).searchParams];
  const query = Object.fromEntries(entries);
  if (Object.keys(query).length < entries.length) throw badRequest("its query has a member twice");
  return query;
}
