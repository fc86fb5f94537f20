import { concatBytes } from "../../internal/room.ts";

/** A value in DER (ITU-T X.690). */
export interface DerValue {
  /** Identifier octet of the value; see {@linkcode DER_TAGS}. */
  readonly tag: number;
  /** Content octets, without tag and length. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The complete value with its tag and length. */
  readonly whole: Uint8Array<ArrayBuffer>;
}

/** Identifier octets that occur in certificates and keys. */
export const DER_TAGS = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectId: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  extensions: 0xa3,
} as const;

/**
 * Parses a sequence of values. Lengths must have the shortest form, as DER requires (ITU-T X.690 §10.1).
 *
 * @throws {SyntaxError} If a tag or length is malformed, or the bytes end too early.
 */
export function readDer(bytes: Uint8Array<ArrayBuffer>): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at]!;
    if ((tag & 0x1f) === 0x1f) throw new SyntaxError("a tag is too long");
    const { length, start } = readLength(bytes, at + 1);
    const end = start + length;
    if (!(end <= bytes.length)) throw new SyntaxError("a value ends too early");
    values.push({ tag, body: bytes.slice(start, end), whole: bytes.slice(at, end) });
    at = end;
  }
  return values;
}

function readLength(bytes: Uint8Array, at: number): { length: number; start: number } {
  const first = bytes[at] ?? NaN;
  if (first < 0x80) return { length: first, start: at + 1 };
  const size = first & 0x7f;
  if (!(size >= 1 && size <= 4)) throw new SyntaxError("a length is not definite");
  let length = 0;
  for (let i = 1; i <= size; i++) length = length * 256 + (bytes[at + i] ?? NaN);
  if (length < 0x80 || length < 256 ** (size - 1)) throw new SyntaxError("a length is not in its shortest form");
  return { length, start: at + 1 + size };
}

/** Parses a single value that must have this tag. */
export function readOne(bytes: Uint8Array<ArrayBuffer>, tag: number): DerValue {
  const [value, ...more] = readDer(bytes);
  if (value?.tag !== tag || more.length > 0) throw new SyntaxError("a value has an unexpected type");
  return value;
}

/** Encodes a value with this tag, whose content is the concatenation of `parts`. */
export function encodeDer(tag: number, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const body = concatBytes(parts);
  const length: number[] = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
  const head = body.length < 0x80 ? [body.length] : [0x80 | length.length, ...length];
  return concatBytes([Uint8Array.of(tag, ...head), body]);
}
