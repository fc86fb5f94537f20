import { TAR_BLOCK_SIZE, TarError } from "./types.ts";

/** Field of a header block: its offset and its length, in bytes. */
export type TarField = readonly [offset: number, length: number];

/** Fields of a header block, in all formats. */
export const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  modTime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  ustar: [257, 6],
  userName: [265, 32],
  groupName: [297, 32],
  devMajor: [329, 8],
  devMinor: [337, 8],
  prefix: [345, 155],
  starPrefix: [345, 131],
  starAccessTime: [476, 12],
  starChangeTime: [488, 12],
  starTrailer: [508, 4],
  gnuAccessTime: [345, 12],
  gnuChangeTime: [357, 12],
  gnuSparseIsExtended: [482, 1],
} as const satisfies Record<string, TarField>;

const SPACE = 0x20, ZERO = 0x30, SEVEN = 0x37;

/** The text of an empty field. */
export const NO_TEXT = new Uint8Array();

/** Returns the bytes of a field up to the first NUL. */
export function readText(block: Uint8Array, [offset, length]: TarField): Uint8Array {
  let end = offset;
  while (end < offset + length && block[end] !== 0) end++;
  return end === offset ? NO_TEXT : block.slice(offset, end);
}

/** Returns whether a field has these ASCII characters. */
export function hasText(block: Uint8Array, [offset, length]: TarField, text: string): boolean {
  for (let i = 0; i < length; i++) if (block[offset + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Reads a number: octal digits, or a big-endian two's complement number if the first bit is set. Empty means 0. */
export function readNumber(block: Uint8Array, field: TarField, what: string): number {
  const [offset, length] = field;
  const value = block[offset]! & 0x80 ? readBase256(block, field) : readOctal(block, field);
  if (value === undefined || !Number.isSafeInteger(value)) {
    const text = Array.from(block.subarray(offset, offset + length), (byte) => byte.toString(16).padStart(2, "0"));
    throw new TarError(`Cannot read ${what} of a tar header: not a number: current value is 0x${text.join("")}`);
  }
  return value;
}

function readOctal(block: Uint8Array, [offset, length]: TarField): number | undefined {
  let at = offset, end = offset + length;
  const isPadding = (byte: number) => byte === SPACE || byte === 0;
  while (at < end && isPadding(block[at]!)) at++;
  while (end > at && isPadding(block[end - 1]!)) end--;
  let value = 0;
  // Some writers leave other bytes after a NUL.
  for (; at < end && block[at] !== 0; at++) {
    const digit = block[at]!;
    if (digit < ZERO || digit > SEVEN) return undefined;
    value = value * 8 + digit - ZERO;
  }
  return value;
}

function readBase256(block: Uint8Array, [offset, length]: TarField): number {
  const negative = (block[offset]! & 0x40) !== 0;
  // The highest bit only marks base 256, so it is replaced by a copy of the sign bit.
  let value = negative ? (block[offset]! | 0x80) - 0x100 : block[offset]! & 0x7f;
  for (let at = offset + 1; at < offset + length; at++) value = value * 256 + block[at]!;
  return value;
}

/** Returns whether the checksum of a header block is valid. Some old writers summed signed bytes. */
export function hasValidChecksum(block: Uint8Array): boolean {
  const [start, length] = FIELDS.checksum;
  const claimed = readOctal(block, FIELDS.checksum);
  // The field itself counts as spaces.
  let sum = SPACE * length, negatives = 0;
  for (let at = 0; at < TAR_BLOCK_SIZE; at++) {
    const byte = block[at]!;
    sum += byte;
    negatives += byte >>> 7;
  }
  for (let at = start; at < start + length; at++) {
    sum -= block[at]!;
    negatives -= block[at]! >>> 7;
  }
  return claimed === sum || claimed === sum - 256 * negatives;
}

/** Writes a number as octal digits and a NUL, or in base 256 if it does not fit. */
export function writeNumber(block: Uint8Array, [offset, length]: TarField, value: number): void {
  if (value >= 0 && value < 8 ** (length - 1)) {
    const digits = value.toString(8).padStart(length - 1, "0");
    for (let i = 0; i < digits.length; i++) block[offset + i] = digits.charCodeAt(i);
    return;
  }
  let rest = value;
  for (let at = offset + length - 1; at > offset; at--) {
    block[at] = ((rest % 256) + 256) % 256;
    rest = Math.floor(rest / 256);
  }
  block[offset] = value < 0 ? 0xff : 0x80;
}

/** Writes the checksum, which covers all other fields. */
export function writeChecksum(block: Uint8Array): void {
  const [offset, length] = FIELDS.checksum;
  block.fill(SPACE, offset, offset + length);
  const sum = block.subarray(0, TAR_BLOCK_SIZE).reduce((total, byte) => total + byte, 0);
  writeNumber(block, [offset, length - 1], sum);
  block[offset + length - 2] = 0;
}
