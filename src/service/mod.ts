/**
 * Publishing indexes over HTTP, as one function from request to response: for `Deno.serve` and Deno Deploy.
 *
 * @module
 */
export type { AuthenticateOptions, Authenticator, Caller, Grant, HandlerAction } from "./authentication/types.ts";
export { type BearerToken, bearerTokens } from "./authentication/bearer_tokens.ts";
export { githubOidc, type GithubOidcOptions, type GithubOidcRule } from "./authentication/github_oidc.ts";
export type { JsonWebKeySet, KeySource } from "./authentication/jwks.ts";
export { createHandler } from "./create_handler.ts";
export type { EventBase, HandlerEvent, RequestEvent, RunEvent, RunStep } from "./events.ts";
export type { HandlerLimits, HandlerOptions } from "./options.ts";
export type { AnsweredError, HandlerErrorCode } from "./handler_error.ts";
export type { ProvenanceOptions } from "../actions/room.ts";
export type { ErrorCode } from "../spec/room.ts";
export type { Kv, KvAtomic, KvEntry, KvKey, KvKeyPart } from "../kv/room.ts";
export type { SystemContext } from "../image/room.ts";
