import type { SystemContext } from "../image/room.ts";
import type { Authenticator } from "./authentication/types.ts";
import { createEndpoints } from "./endpoints.ts";
import { createFanIn } from "./fan_in/fan_in.ts";
import { Runs } from "./fan_in/runs.ts";
import { guardFetch } from "./guarded_fetch.ts";
import { Handler, type Routes } from "./handler.ts";
import { type HandlerOptions, resolveLimits } from "./options.ts";
import { createPages } from "./pages.ts";
import { Permissions } from "./permissions.ts";
import { Telemetry } from "./telemetry.ts";

/** Default of `publishLease`, in milliseconds. */
const PUBLISH_LEASE = 30_000;
/** Default of `runLifetime`: one week, in milliseconds. */
const RUN_LIFETIME = 7 * 24 * 60 * 60 * 1000;

/**
 * Creates a function that lets authenticated callers publish indexes over HTTP, for `Deno.serve`, Deno Deploy and any
 * other server that calls a function with a `Request`. It sends requests only to the registries of `targets` and
 * `sources`, and to URLs to which these registries refer.
 *
 * `POST /compose`, `/append`, `/inspect` and `/validate` call `composeIndex`, `appendToIndex`, `inspectIndex` and
 * `validateIndex`. With `kv`, each build job reports its platforms with `POST /fan-in`; once all expected platforms are
 * reported, the index is published exactly once. `GET /fan-in?target=…&run=…` returns the state of a run, without `run` a
 * page of runs; `DELETE` ends one. Without authentication, `GET /healthz` and `/readyz` return whether the service is
 * alive and can reach its database, `GET /openapi.json` describes all requests, and `GET /` is a web page that shows runs
 * and indexes. Each answer has an `x-request-id`.
 *
 * @throws {TypeError} If `authorize` or `targets` is empty, a repository rule, an action or a token is invalid, or
 * credentials for one registry would be sent to several.
 * @throws {RangeError} If a limit, `publishLease` or `runLifetime` is out of range.
 *
 * @example
 * ```ts
 * import { bearerTokens, createHandler } from "@multiarch/manifests/handler";
 * import assert from "node:assert/strict";
 *
 * const handler = createHandler({
 *   authorize: bearerTokens([{ token: "a secret of some length".replaceAll(" ", "-") }]),
 *   targets: ["quay.io/me/app"],
 * }); // Deno.serve(handler)
 * const response = await handler(new Request("https://fan-in.example/compose", { method: "POST" }));
 * assert.equal(response.status, 401);
 * ```
 */
export function createHandler(options: HandlerOptions): (request: Request) => Promise<Response> {
  const { now = Date.now, publishLease = PUBLISH_LEASE, provenance } = options;
  const authenticators = [options.authorize].flat() as readonly Authenticator[];
  if (authenticators.length === 0) {
    throw new TypeError("Cannot create a handler: authorize is empty, so nobody could call it");
  }
  if (!(publishLease >= 1000 && Number.isFinite(publishLease))) {
    throw new RangeError(
      `Cannot create a handler: publishLease must be at least 1000 and finite: current value is ${publishLease}`,
    );
  }
  const limits = resolveLimits(options.limits);
  const permissions = new Permissions(options, authenticators.flatMap(({ grants }) => grants));
  const runs = openRuns(options, { maxOpen: limits.openRuns, now });
  const telemetry = new Telemetry(runs && (() => runs.findOpen()));
  const systemContext = guardContext(options.systemContext, permissions.registries, telemetry);
  const { compose, append, inspect, validate } = createEndpoints({ systemContext, limits, provenance });
  const routes: Routes = {
    compose: { POST: compose },
    append: { POST: append },
    inspect: { POST: inspect },
    validate: { POST: validate },
    ...(runs
      ? { "fan-in": createFanIn(runs, { systemContext, limits, publishLease, provenance, now, telemetry }) }
      : {}),
  };
  const base = `/${options.basePath ?? ""}/`.replace(/\/+/g, "/");
  const pages = createPages({ routes, base, ping: () => runs?.ping() });
  const { onError, onEvent } = options;
  const handler = new Handler({
    ...{ routes, pages, base, authenticators, permissions, limits, now, telemetry, onError, onEvent },
  });
  return (request) => handler.answer(request);
}

/** Creates access to the runs of a fan-in; `undefined` without a database. */
function openRuns(
  { kv, kvPrefix: prefix = ["multiarch", "fan-in"], runLifetime: lifetime = RUN_LIFETIME }: HandlerOptions,
  options: { readonly maxOpen: number; readonly now: () => number },
): Runs | undefined {
  if (!(lifetime > 0 && Number.isFinite(lifetime))) {
    throw new RangeError(
      `Cannot create a handler: runLifetime must be positive and finite: current value is ${lifetime}`,
    );
  }
  return kv && new Runs({ ...options, kv, prefix, lifetime });
}

/** Returns the system context for all requests to registries, with a `fetch` that reaches only these registries. */
function guardContext(
  context: SystemContext = {},
  registries: readonly string[],
  telemetry: Telemetry,
): SystemContext {
  const { dockerAuthConfig, dockerBearerRegistryToken, dockerInsecureSkipTlsVerify: insecure = false } = context;
  if (registries.length > 1 && (dockerAuthConfig ?? dockerBearerRegistryToken) !== undefined) {
    throw new TypeError(
      `Cannot create a handler: ${
        registries.join(", ")
      } would all get the same credentials: use systemContext.credentials to choose them by registry`,
    );
  }
  const send = context.fetch ?? ((request) => fetch(request));
  const observed = (request: Request) => telemetry.call(request, () => send(request));
  return { ...context, fetch: guardFetch({ registries, insecure, fetch: observed }) };
}
