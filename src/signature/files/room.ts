/**
 * The files that say which images may be believed, and with what they are signed. Bound to a host.
 *
 * @module
 */
export { readPassphraseFile } from "./passphrase_file.ts";
export { loadPolicyFile, type LoadPolicyFileOptions, readPolicyFile } from "./policy_file.ts";
export { openSignersWith, type OpenSignersWithOptions } from "./signers.ts";
