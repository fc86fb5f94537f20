/** OpenPGP in this process, with a library that is loaded on first use. */
export type { OpenedMessage, OpenMessage, OpenMessageOptions } from "./opened.ts";
export { openPgpKey, type OpenPgpKeyOptions } from "./sign.ts";
export { openMessage } from "./verify.ts";
