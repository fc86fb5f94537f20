/**
 * What commands need to read the policy for images.
 *
 * @module
 */
export { loadSignaturePolicy } from "../../system/local/room.ts";
