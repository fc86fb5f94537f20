/** OpenPGP in this process, over a library that is loaded when it is first needed. */
export type { OpenedMessage, OpenMessage, OpenMessageOptions } from "./opened.ts";
export { openPgpKey, type OpenPgpKeyOptions } from "./sign.ts";
export { openMessage } from "./verify.ts";
