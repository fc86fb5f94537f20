import { compareUtf8, encodeBase64, encodeUtf8 } from "../internal/room.ts";

/**
 * Value that is written exactly as Go's `encoding/json` writes it. Objects are maps, because JavaScript objects move
 * integer-like keys to the front. A member whose value is `undefined` is omitted (Go's `omitempty`).
 */
export type GoJsonValue =
  | null
  | boolean
  | number
  | string
  | RawJson
  | readonly GoJsonValue[]
  | ReadonlyMap<string, GoJsonValue | undefined>;

/** JSON text that is written unchanged. */
export class RawJson {
  /** Wraps text that must be one valid JSON value. */
  constructor(readonly text: string) {}
}

const ESCAPED_REGEXP = /[<>&\u2028\u2029]/g;

/** Escapes the characters of JSON text that Go escapes to make it safe inside HTML. */
export function escapeForHtml(text: string): string {
  return text.replace(ESCAPED_REGEXP, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

function encodeString(text: string): string {
  return escapeForHtml(JSON.stringify(text.toWellFormed()));
}

function write(value: GoJsonValue, out: string[]): void {
  if (typeof value === "string") {
    out.push(encodeString(value));
  } else if (value === null || typeof value !== "object") {
    out.push(String(value));
  } else if (value instanceof RawJson) {
    out.push(value.text);
  } else if (value instanceof Map) {
    writeObject(value, out);
  } else {
    writeArray(value as readonly GoJsonValue[], out);
  }
}

function writeObject(value: ReadonlyMap<string, GoJsonValue | undefined>, out: string[]): void {
  let separator = "{";
  for (const [key, member] of value) {
    if (member === undefined) continue;
    out.push(separator, encodeString(key), ":");
    write(member, out);
    separator = ",";
  }
  out.push(separator === "{" ? "{}" : "}");
}

function writeArray(value: readonly GoJsonValue[], out: string[]): void {
  out.push("[");
  value.forEach((item, i) => {
    if (i > 0) out.push(",");
    write(item, out);
  });
  out.push("]");
}

/** Encodes a value as Go's `encoding/json` does: compact, `<`, `>`, `&`, U+2028 and U+2029 escaped, no newline. */
export function encodeGoJsonText(value: GoJsonValue): string {
  const out: string[] = [];
  write(value, out);
  return out.join("");
}

/** Encodes a value as {@linkcode encodeGoJsonText} does, as UTF-8 bytes. */
export function encodeGoJson(value: GoJsonValue): Uint8Array<ArrayBuffer> {
  return encodeUtf8(encodeGoJsonText(value));
}

/** Sorts a string map by the bytes of its keys, as Go writes maps; `undefined` if it is empty or absent. */
export function sortedMap(
  entries: Iterable<readonly [string, GoJsonValue]> | Readonly<Record<string, GoJsonValue>> | undefined,
): ReadonlyMap<string, GoJsonValue> | undefined {
  if (!entries) return undefined;
  const list = Symbol.iterator in entries ? [...entries] : Object.entries(entries);
  if (list.length === 0) return undefined;
  return new Map(list.toSorted(([a], [b]) => compareUtf8(a, b)));
}

/** Returns a string or an array unchanged, `undefined` if it is empty (Go's `omitempty`). */
export function nonEmpty(value: string | undefined): string | undefined;
/** Returns an array unchanged, `undefined` if it is empty. */
export function nonEmpty(value: readonly string[] | undefined): readonly string[] | undefined;
export function nonEmpty(value: string | readonly string[] | undefined): string | readonly string[] | undefined {
  return value === undefined || value.length === 0 ? undefined : value;
}

/** Encodes bytes as base64, as Go writes a `[]byte` with `omitempty`: `undefined` if they are empty. */
export function base64OrNothing(value: Uint8Array | undefined): string | undefined {
  return value === undefined || value.length === 0 ? undefined : encodeBase64(value);
}
