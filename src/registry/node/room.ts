/**
 * A `fetch` over `node:http` and `node:https`, for what the global one cannot do: skip the verification of one
 * registry's certificate, trust authorities that are no proper ones, present a certificate. Bound to a host.
 *
 * @module
 */
export { type NodeFetchOptions, openNodeFetch } from "./fetch.ts";
export { findProxy } from "./proxy.ts";
