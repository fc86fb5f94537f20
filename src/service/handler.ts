import { abortable } from "../internal/room.ts";
import { errorAnswer, jsonAnswer, toHandlerError } from "./answers.ts";
import { authenticate } from "./authentication/authenticate.ts";
import type { Authenticator, HandlerAction } from "./authentication/types.ts";
import type { Endpoint } from "./endpoint.ts";
import { type HandlerEvent, RequestLog } from "./events.ts";
import { badRequest, HandlerError } from "./handler_error.ts";
import type { HandlerOptions, ResolvedLimits } from "./options.ts";
import type { Permissions } from "./permissions.ts";
import { RateLimits } from "./rate_limits.ts";
import { readJsonBody } from "./request_body.ts";
import type { Telemetry } from "./telemetry.ts";

/** Endpoints of one path, by HTTP method. `GET` also answers `HEAD`. */
export type Route = { readonly [method in "GET" | "POST" | "DELETE"]?: Endpoint };

/** Routes for callers, by the part of the path that follows the base. */
export type Routes = { readonly [action in HandlerAction]?: Route };

/** Answers a `GET` request of anybody, without authentication. `signal` aborts it with its reason. */
export type PublicPage = (signal: AbortSignal) => Promise<Response>;

/** Parts of a {@linkcode Handler}. */
export interface HandlerParts extends Pick<HandlerOptions, "onError" | "onEvent"> {
  /** Routes for authenticated callers, by action. */
  readonly routes: Routes;
  /** Pages that need no authentication, by the part of the path that follows the base, such as `healthz`. */
  readonly pages: Readonly<Record<string, PublicPage>>;
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
  /** Spans and metrics, if the process has them. */
  readonly telemetry: Telemetry;
}

/** Request that an endpoint is about to get. */
interface Routed {
  readonly action: HandlerAction;
  readonly endpoint: Endpoint;
  readonly log: RequestLog;
  readonly signal: AbortSignal;
}

/** Answers requests. It never rejects, and always answers within the request timeout. */
export class Handler {
  readonly #parts: HandlerParts;
  readonly #rates: RateLimits;
  #running = 0;

  /** Creates a handler from its parts. */
  constructor(parts: HandlerParts) {
    this.#parts = parts;
    this.#rates = new RateLimits(parts.limits.requestsPerMinute);
  }

  /** Answers a request, and emits its event. The work continues if the caller disconnects. */
  async answer(request: Request): Promise<Response> {
    const { telemetry, now } = this.#parts;
    await telemetry.load();
    const log = new RequestLog(now, (event) => this.#emit(event));
    return await telemetry.span("handle request", { "http.request.method": request.method }, async (span) => {
      const { response: full, code } = await this.#answer(request, log);
      const response = request.method === "HEAD" ? new Response(null, full) : full;
      response.headers.set("x-request-id", log.requestId);
      const { endpoint, requestId, target } = log;
      span.describe({ endpoint, code, target, "request.id": requestId, "http.response.status_code": response.status });
      log.addAnswer(request, { status: response.status, ...(code ? { code } : {}) });
      return response;
    });
  }

  async #answer(request: Request, log: RequestLog): Promise<{ response: Response; code?: HandlerError["code"] }> {
    const { requestTimeout } = this.#parts.limits;
    const end = new AbortController();
    const timer = setTimeout(() => {
      const message = `Cannot answer the request: it took more than ${requestTimeout} ms`;
      end.abort(new HandlerError(504, { code: "TIMEOUT", message }, { "retry-after": "1" }));
    }, requestTimeout);
    try {
      return { response: await this.#route(request, log, end.signal) };
    } catch (error) {
      const failure = toHandlerError(error);
      if (failure.status >= 500) this.#reportError(error, log);
      // A body that nobody reads would keep the connection open.
      if (request.body && !request.body.locked) await request.body.cancel().catch(() => {});
      return { response: errorAnswer(failure, log.requestId), code: failure.code };
    } finally {
      clearTimeout(timer);
    }
  }

  #reportError(error: unknown, { requestId }: RequestLog): void {
    try {
      this.#parts.onError?.(error, { requestId });
    } catch {
      // An error in the callback must not prevent the answer.
    }
  }

  #emit(event: HandlerEvent): void {
    this.#parts.telemetry.count(event);
    try {
      this.#parts.onEvent?.(event);
    } catch {
      // An error in the callback must not prevent the answer.
    }
  }

  async #route(request: Request, log: RequestLog, signal: AbortSignal): Promise<Response> {
    const { routes, pages, base } = this.#parts;
    const { pathname } = new URL(request.url);
    const path = pathname.startsWith(base) ? pathname.slice(base.length) : pathname;
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    const route = Object.hasOwn(routes, path) ? routes[path as HandlerAction] : undefined;
    if (!page && !route) {
      throw new HandlerError(404, {
        code: "ENDPOINT_UNKNOWN",
        message: `Cannot find endpoint ${JSON.stringify(pathname.slice(0, 100))}`,
      });
    }
    log.endpoint = path;
    const answers = page ? { GET: () => abortable(page(signal), signal) } : this.#getAnswers(request, route!, {
      action: path as HandlerAction,
      log,
      signal,
    });
    const methods = Object.keys(answers).flatMap((method) => method === "GET" ? [method, "HEAD"] : [method]);
    const allow = [...methods, "OPTIONS"].join(", ");
    const { method } = request;
    if (method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
    const answer = answers[(method === "HEAD" ? "GET" : method) as keyof typeof answers];
    if (!answer) {
      const message = `Method not allowed: use ${allow}`;
      throw new HandlerError(405, { code: "METHOD_NOT_ALLOWED", message }, { allow });
    }
    return await answer();
  }

  /** Returns the functions that answer the methods of a route. */
  #getAnswers(request: Request, route: Route, routed: Omit<Routed, "endpoint">): Partial<
    Record<"GET" | "POST" | "DELETE", () => Promise<Response>>
  > {
    return Object.fromEntries(
      Object.entries(route).map(([method, endpoint]) => [method, () => this.#call(request, { ...routed, endpoint })]),
    );
  }

  async #call(request: Request, { action, endpoint, log, signal }: Routed): Promise<Response> {
    const { authenticators, permissions, limits, now } = this.#parts;
    // `abortable` also ends waiting for code that ignores the signal, such as a database that is stuck.
    const caller = await abortable(authenticate(request.headers, authenticators, { now: now(), signal }), signal);
    log.caller = caller.name;
    this.#rates.count(caller.name, now());
    const reach = permissions.at(action, caller.grants, log);
    // Only authenticated requests are counted, so that anonymous callers cannot exhaust the limit.
    if (this.#running >= limits.concurrentRequests) {
      const message = "Cannot answer the request: too many requests are in progress";
      throw new HandlerError(503, { code: "OVERLOADED", message }, { "retry-after": "1" });
    }
    this.#running++;
    try {
      const isPost = request.method === "POST";
      const values = isPost ? await readJsonBody(request, limits, signal) : readQuery(request.url);
      const call = { reach, caller: caller.name, log, signal };
      const kind = isPost ? "member" : "query parameter";
      return jsonAnswer(await abortable(endpoint.handle(values, kind, call), signal));
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
