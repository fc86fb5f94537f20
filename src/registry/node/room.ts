/**
 * A `fetch` over `node:http` and `node:https`, for what the global one cannot do: accept every certificate of one registry,
 * trust self-signed certificates, present a client certificate. Bound to a host.
 *
 * @module
 */
export { type NodeFetchOptions, openNodeFetch } from "./fetch.ts";
export { findProxy } from "./proxy.ts";
