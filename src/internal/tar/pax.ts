import { decodeUtf8 } from "../bytes.ts";
import { TarError, type TarTime } from "./types.ts";

const NEWLINE = 0x0a, SPACE = 0x20, EQUALS = 0x3d, ZERO = 0x30, NINE = 0x39;

/** Beginning of the keys of records with extended attributes. */
export const PAX_ATTRIBUTE = "SCHILY.xattr.";

/** Records whose values are names, which must not contain a NUL. */
const NAMES: ReadonlySet<string> = new Set(["path", "linkpath", "uname", "gname"]);

/** Parses PAX records, `<length> <key>=<value>\n`; the last record with a key applies. */
export function parsePaxRecords(bytes: Uint8Array): Map<string, Uint8Array> {
  const records = new Map<string, Uint8Array>();
  for (let at = 0; at < bytes.length;) {
    let length = 0, digits = at;
    for (; digits < bytes.length && bytes[digits]! >= ZERO && bytes[digits]! <= NINE; digits++) {
      length = length * 10 + bytes[digits]! - ZERO;
    }
    const end = at + length;
    const equals = bytes.indexOf(EQUALS, digits + 1);
    const isRecord = digits > at && bytes[digits] === SPACE && end <= bytes.length && bytes[end - 1] === NEWLINE &&
      equals > digits + 1 && equals < end - 1;
    if (!isRecord) throw new TarError(`Cannot read a PAX header: malformed record at byte ${at}`);
    const key = readKey(bytes.subarray(digits + 1, equals));
    const value = bytes.slice(equals + 1, end - 1);
    if (NAMES.has(key) && value.includes(0)) throw new TarError(`Cannot read a PAX header: ${key} contains a NUL`);
    records.set(key, value);
    at = end;
  }
  return records;
}

function readKey(bytes: Uint8Array): string {
  try {
    if (!bytes.includes(0)) return decodeUtf8(bytes);
  } catch {
    // Invalid UTF-8: the error is thrown below.
  }
  throw new TarError("Cannot read a PAX header: a key is not valid UTF-8");
}

/** Parses the number in a PAX record. */
export function parsePaxNumber(value: Uint8Array, key: string): number {
  const text = asciiText(value);
  const number = /^[+-]?[0-9]{1,19}$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(number)) {
    throw new TarError(`Cannot read ${key} of a PAX header: not a number: current value is ${quote(text)}`);
  }
  return number;
}

/** Parses the time in a PAX record: decimal seconds, truncated to nanoseconds. */
export function parsePaxTime(value: Uint8Array, key: string): TarTime {
  const text = asciiText(value);
  const match = /^([+-]?)([0-9]{0,16})(?:\.([0-9]*))?$/.exec(text);
  if (!match || match[2] === "") {
    throw new TarError(`Cannot read ${key} of a PAX header: not a time: current value is ${quote(text)}`);
  }
  const seconds = Number(match[2]);
  const nanoseconds = Number((match[3] ?? "").slice(0, 9).padEnd(9, "0"));
  if (match[1] !== "-") return { seconds, nanoseconds };
  return nanoseconds === 0 ? { seconds: 0 - seconds, nanoseconds } : {
    seconds: -seconds - 1,
    nanoseconds: 1_000_000_000 - nanoseconds,
  };
}

function asciiText(value: Uint8Array): string {
  return String.fromCharCode(...value.subarray(0, 64)) + (value.length > 64 ? "…" : "");
}

function quote(text: string): string {
  return JSON.stringify(text);
}
