import type { SystemContext } from "../image/room.ts";
import type { Authenticator } from "./authentication/types.ts";
import { createEndpoints } from "./endpoints.ts";
import { createFanIn } from "./fan_in/fan_in.ts";
import { guardFetch } from "./guarded_fetch.ts";
import { Handler } from "./handler.ts";
import { type HandlerOptions, resolveLimits } from "./options.ts";
import { Permissions } from "./permissions.ts";

/**
 * Makes a function that lets known callers publish indexes over HTTP: for `Deno.serve`, Deno Deploy, and whatever else
 * calls a function with a `Request`. Nothing is reached but the registries of `targets` and `sources` and the places to
 * which those send.
 *
 * `POST /compose`, `/append`, `/inspect` and `/validate` do in one call what `composeIndex`, `appendToIndex`,
 * `inspectIndex` and `validateIndex` do. With `kv`, jobs `POST /fan-in` one platform each, and when all that are
 * expected are there, the index is published, once; `GET /fan-in?target=…&run=…` tells how far that is.
 *
 * @throws {TypeError} Where nobody may call it, there are no targets, or one of the options cannot be.
 * @throws {RangeError} Where a limit cannot be.
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
  const { kv, now = Date.now } = options;
  const authenticators = [options.authorize].flat() as readonly Authenticator[];
  if (authenticators.length === 0) throw new TypeError("Cannot create a handler as nobody may call it");
  const limits = resolveLimits(options.limits);
  const permissions = new Permissions(options, authenticators.flatMap(({ grants }) => grants));
  const systemContext = guardContext(options.systemContext, permissions.registries);
  const { compose, append, inspect, validate } = createEndpoints({ systemContext, limits });
  const fanIn = kv && createFanIn({ ...options, kv, systemContext, limits, now });
  const handler = new Handler({
    routes: {
      compose: { POST: compose },
      append: { POST: append },
      inspect: { POST: inspect },
      validate: { POST: validate },
      ...(fanIn ? { "fan-in": { GET: fanIn.look, POST: fanIn.report } } : {}),
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

/** The context of all requests to registries: none goes elsewhere. */
function guardContext(context: SystemContext = {}, registries: readonly string[]): SystemContext {
  const { dockerAuthConfig, dockerBearerRegistryToken, dockerInsecureSkipTlsVerify: insecure = false } = context;
  if (registries.length > 1 && (dockerAuthConfig ?? dockerBearerRegistryToken) !== undefined) {
    throw new TypeError(
      `Cannot create a handler as each of ${
        registries.join(", ")
      } would be told the same credentials: use systemContext.credentials`,
    );
  }
  const send = context.fetch ?? ((request) => fetch(request));
  return { ...context, fetch: guardFetch({ registries, insecure, fetch: send }) };
}
