/**
 * Files of policies, passphrases and signing keys. Requires a host with a file system.
 *
 * @module
 */
export { readPassphraseFile } from "./passphrase_file.ts";
export { loadPolicyFile, readPolicyFile } from "./policy_file.ts";
export { openSignersWith, type OpenSignersWithOptions } from "./signers.ts";
