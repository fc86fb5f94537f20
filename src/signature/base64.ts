import { decodeBase64, encodeBase64 } from "../internal/mod.ts";

const BASE64_REGEXP = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Bytes of standard base64 with padding and nothing else in it, or `undefined`: `atob` lets white space through, and bits
 * to spare before the padding, so that one signature would have several texts.
 */
export function decodeStrictBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0 || !BASE64_REGEXP.test(text)) return undefined;
  const bytes = decodeBase64(text);
  return bytes && encodeBase64(bytes) === text ? bytes : undefined;
}
