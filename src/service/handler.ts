import { abortable } from "../internal/room.ts";
import { errorAnswer, jsonAnswer, toHandlerError } from "./answers.ts";
import { authenticate } from "./authentication/authenticate.ts";
import type { Authenticator, HandlerAction } from "./authentication/types.ts";
import type { Endpoint } from "./endpoints.ts";
import type { ResolvedLimits } from "./options.ts";
import type { Permissions } from "./permissions.ts";
import { badRequest, HandlerError } from "./handler_error.ts";
import { readJsonBody } from "./request_body.ts";

/** Endpoints of one path, by HTTP method. */
export interface Route {
  /** Endpoint for `GET` and `HEAD`; `undefined` if they are not allowed. */
  readonly GET?: Endpoint;
  /** Endpoint for `POST` requests. */
  readonly POST: Endpoint;
}

/** Parts of a {@linkcode Handler}. */
export interface HandlerParts {
  /** Routes by the part of the path that follows {@linkcode HandlerParts.base}. */
  readonly routes: { readonly [action in HandlerAction]?: Route };
  /** Path prefix of all routes, as in `/api/`. */
  readonly base: string;
  /** Authenticators, tried in this order. */
  readonly authenticators: readonly Authenticator[];
  /** Permissions of the handler and of the grants. */
  readonly permissions: Permissions;
  /** Limits on requests, with their defaults. */
  readonly limits: ResolvedLimits;
  /** Current time, in milliseconds since 1970. */
  readonly now: () => number;
  /** Called with errors that are answered with a status of 500 or above. */
  readonly onError: ((error: unknown) => void) | undefined;
}

/** Answers requests. It never rejects, and always answers within the request timeout. */
export class Handler {
  readonly #parts: HandlerParts;
  #running = 0;

  /** Creates a handler from its parts. */
  constructor(parts: HandlerParts) {
    this.#parts = parts;
  }

  /** Answers a request. The work continues if the caller disconnects. */
  async answer(request: Request): Promise<Response> {
    const { requestTimeout } = this.#parts.limits;
    const end = new AbortController();
    const timer = setTimeout(() => {
      const message = `Cannot answer the request: it took more than ${requestTimeout} ms`;
      end.abort(new HandlerError(504, { code: "TIMEOUT", message }, { "retry-after": "1" }));
    }, requestTimeout);
    try {
      return await this.#route(request, end.signal);
    } catch (error) {
      const failure = toHandlerError(error);
      if (failure.status >= 500) this.#reportError(error);
      // A body that nobody reads would keep the connection open.
      if (request.body && !request.body.locked) await request.body.cancel().catch(() => {});
      return errorAnswer(failure);
    } finally {
      clearTimeout(timer);
    }
  }

  #reportError(error: unknown): void {
    try {
      this.#parts.onError?.(error);
    } catch {
      // An error in the callback must not prevent the answer.
    }
  }

  async #route(request: Request, signal: AbortSignal): Promise<Response> {
    const { routes, base } = this.#parts;
    const { pathname } = new URL(request.url);
    const action = pathname.startsWith(base) ? pathname.slice(base.length) : "";
    if (!Object.hasOwn(routes, action)) {
      throw new HandlerError(404, {
        code: "ENDPOINT_UNKNOWN",
        message: `Cannot find endpoint ${JSON.stringify(pathname.slice(0, 100))}`,
      });
    }
    const { GET, POST } = routes[action as HandlerAction]!;
    const allow = `${GET ? "GET, HEAD, " : ""}POST, OPTIONS`;
    const call = (endpoint: Endpoint) => this.#call(request, { action: action as HandlerAction, endpoint, signal });
    const { method } = request;
    if (method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
    if (method === "POST") return await call(POST);
    if (method === "GET" && GET) return await call(GET);
    if (method === "HEAD" && GET) return new Response(null, await call(GET));
    throw new HandlerError(405, { code: "METHOD_NOT_ALLOWED", message: `Method not allowed: use ${allow}` }, {
      allow,
    });
  }

  async #call(
    request: Request,
    { action, endpoint, signal }: { action: HandlerAction; endpoint: Endpoint; signal: AbortSignal },
  ): Promise<Response> {
    const { authenticators, permissions, limits, now } = this.#parts;
    // `abortable` also ends waiting for code that ignores the signal, such as a database that is stuck.
    const grants = await abortable(authenticate(request.headers, authenticators, { now: now(), signal }), signal);
    const reach = permissions.at(action, grants);
    // Only authenticated requests are counted, so that anonymous callers cannot exhaust the limit.
    if (this.#running >= limits.concurrentRequests) {
      const message = "Cannot answer the request: too many requests are in progress";
      throw new HandlerError(503, { code: "OVERLOADED", message }, { "retry-after": "1" });
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
  if (Object.keys(query).length < entries.length) throw badRequest("a query parameter is given twice");
  return query;
}
