/**
 * Functions with which commands read the policy for images.
 *
 * @module
 */
export { loadSignaturePolicy } from "../../system/local/room.ts";
