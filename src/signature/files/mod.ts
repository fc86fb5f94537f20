/**
 * The files that say which images may be believed. Bound to a host.
 *
 * @module
 */
export { loadPolicy, type LoadPolicyOptions, readPolicyFile } from "./policy_file.ts";
