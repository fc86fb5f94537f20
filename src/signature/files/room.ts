/**
 * The files that say which images may be believed, and with what they are signed. Bound to a host.
 *
 * @module
 */
export { readPassphraseFile } from "./passphrase_file.ts";
export { loadPolicy, type LoadPolicyOptions, readPolicyFile } from "./policy_file.ts";
export { openSigners, type OpenSignersOptions } from "./signers.ts";
