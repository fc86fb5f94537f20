import { decodeBase64 } from "../internal/mod.ts";

const BASE64_REGEXP = /^[A-Za-z0-9+/]*={0,2}$/;

/** Bytes of standard base64 with padding and nothing else in it, or `undefined`: `atob` lets white space through. */
export function decodeStrictBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  return text.length % 4 === 0 && BASE64_REGEXP.test(text) ? decodeBase64(text) : undefined;
}
