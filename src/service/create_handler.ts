import type { SystemContext } from "../image/room.ts";
import type { Authenticator } from "./authentication/types.ts";
import { createEndpoints } from "./endpoints.ts";
import { createFanIn } from "./fan_in/fan_in.ts";
import { guardFetch } from "./guarded_fetch.ts";
import { Handler } from "./handler.ts";
import { type HandlerOptions, resolveLimits } from "./options.ts";
import { Permissions } from "./permissions.ts";

/**
 * Creates a function that lets authenticated callers publish indexes over HTTP, for `Deno.serve`, Deno Deploy and any
 * other server that calls a function with a `Request`. It sends requests only to the registries of `targets` and
 * `sources`, and to URLs to which these registries refer.
 *
 * `POST /compose`, `/append`, `/inspect` and `/validate` call `composeIndex`, `appendToIndex`, `inspectIndex` and
 * `validateIndex`. With `kv`, each build job reports one platform with `POST /fan-in`; once all expected platforms are
 * reported, the index is published exactly once. `GET /fan-in?target=…&run=…` returns the state of a run.
 *
 * @throws {TypeError} If `authorize` or `targets` is empty, a repository rule, an action or a token is invalid, or
 * credentials for one registry would be sent to several.
 * @throws {RangeError} If a limit or `runLifetime` is out of range.
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
  const { kv, now = Date.now, provenance } = options;
  const authenticators = [options.authorize].flat() as readonly Authenticator[];
  if (authenticators.length === 0) {
    throw new TypeError("Cannot create a handler: authorize is empty, so nobody could call it");
  }
  const limits = resolveLimits(options.limits);
  const permissions = new Permissions(options, authenticators.flatMap(({ grants }) => grants));
  const systemContext = guardContext(options.systemContext, permissions.registries);
  const { compose, append, inspect, validate } = createEndpoints({ systemContext, limits, provenance });
  const fanIn = kv && createFanIn({ ...options, kv, systemContext, limits, now });
  const handler = new Handler({
    routes: {
      compose: { POST: compose },
      append: { POST: append },
      inspect: { POST: inspect },
      validate: { POST: validate },
      ...(fanIn ? { "fan-in": { GET: fanIn.getStatus, POST: fanIn.report } } : {}),
    },
    base: `/${options.basePath ?? ""}/`.replace(/\/+/g, "/"),
    authenticators,
    permissions,
    limits,
    now,
    onError: options.onError,
  });
  return (request) => handler.answer(request);
}

/** Returns the system context for all requests to registries, with a `fetch` that reaches only these registries. */
function guardContext(context: SystemContext = {}, registries: readonly string[]): SystemContext {
  const { dockerAuthConfig, dockerBearerRegistryToken, dockerInsecureSkipTlsVerify: insecure = false } = context;
  if (registries.length > 1 && (dockerAuthConfig ?? dockerBearerRegistryToken) !== undefined) {
    throw new TypeError(
      `Cannot create a handler: ${
        registries.join(", ")
      } would all get the same credentials: use systemContext.credentials to choose them by registry`,
    );
  }
  const send = context.fetch ?? ((request) => fetch(request));
  return { ...context, fetch: guardFetch({ registries, insecure, fetch: send }) };
}
