/**
 * OpenPGP with the gpg program: the user's keyring, agent and smart cards. Requires a host that runs programs.
 *
 * @module
 */
export { openGpgKey } from "./sign.ts";
export { openMessageWithGpg } from "./verify.ts";
