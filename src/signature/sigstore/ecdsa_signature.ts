import { concatBytes } from "../../internal/room.ts";
import { DER_TAGS, encodeDer, readDer, readOne } from "./der.ts";

/** Converts an ECDSA signature from WebCrypto's two numbers of equal size to DER (RFC 3279 §2.2.3). */
export function encodeEcdsa(raw: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const size = raw.length / 2;
  const [r, s] = [encodeNumber(raw.subarray(0, size)), encodeNumber(raw.subarray(size))];
  return encodeDer(DER_TAGS.sequence, r, s);
}

/** Converts an ECDSA signature from DER to two numbers of `size` bytes; `undefined` if it is not valid DER. */
export function decodeEcdsa(der: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> | undefined {
  try {
    const numbers = readDer(readOne(der, DER_TAGS.sequence).body);
    if (numbers.length !== 2 || numbers.some(({ tag }) => tag !== DER_TAGS.integer)) return undefined;
    const [r, s] = numbers.map(({ body }) => decodeNumber(body, size));
    return r && s && concatBytes([r, s]);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Encodes a positive number. DER requires the shortest form, in which a leading 1 bit means a negative number. */
function encodeNumber(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const start = bytes.findIndex((byte) => byte !== 0);
  const short = start < 0 ? Uint8Array.of(0) : bytes.subarray(start);
  return encodeDer(DER_TAGS.integer, ...short[0]! >= 0x80 ? [Uint8Array.of(0), short] : [short]);
}

function decodeNumber(body: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> | undefined {
  const padded = body.length > 1 && body[0] === 0;
  if (body.length === 0 || body[0]! >= 0x80 || (padded && body[1]! < 0x80)) return undefined;
  const short = padded ? body.subarray(1) : body;
  if (short.length > size) return undefined;
  const number = new Uint8Array(size);
  number.set(short, size - short.length);
  return number;
}
