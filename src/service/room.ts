/**
 * Publishing indexes over HTTP, as one function from request to response: for `Deno.serve` and Deno Deploy.
 *
 * @module
 */
export { bearerTokens } from "./authentication/bearer_tokens.ts";
export { githubOidc, type GithubOidcRule } from "./authentication/github_oidc.ts";
export type { JsonWebKeySet } from "./authentication/jwks.ts";
export { createHandler } from "./create_handler.ts";
export type { HandlerEvent } from "./events.ts";
export type { HandlerOptions } from "./options.ts";
export type { SystemContext } from "../image/room.ts";
