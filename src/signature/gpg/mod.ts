/**
 * OpenPGP by the gpg binary: with the user's keyring, their agent, their smart cards. Bound to a host.
 *
 * @module
 */
export { type GpgKeyOptions, openGpgKey } from "./sign.ts";
export { openMessageWithGpg } from "./verify.ts";
export type { OpenedMessage, OpenMessage, OpenMessageOptions } from "../openpgp/mod.ts";
