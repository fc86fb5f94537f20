import { ManifestsSyntaxError } from "../errors/room.ts";

/** Maximum nesting of arrays and objects. Real manifests have fewer than ten levels; Go's decoder allows 10,000. */
const MAX_DEPTH = 100;

/** Position of the value of an object's member, or of an array's item, in JSON text. */
export interface JsonSpan {
  /** Unescaped name of the member; `""` for an array item. */
  key: string;
  /** Index of the first character of the value. */
  start: number;
  /** Index after the last character of the value. */
  end: number;
}

/**
 * Scans JSON text that `JSON.parse` has accepted, and returns the positions of the members or items of the top-level
 * value, so that callers can keep the text of those that they do not change. Duplicate keys in an object are errors,
 * because parsers disagree about which value applies; so is nesting below 100 levels.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_JSON` for duplicate keys or nesting that is too deep.
 */
export function scanJson(text: string, what: string): JsonSpan[] {
  return walkJson(text, what).spans;
}

/** Same as {@linkcode scanJson}, but also returns whether a key at any level contains an escape. */
export function walkJson(text: string, what: string): { spans: JsonSpan[]; escapedKeys: boolean } {
  const spans: JsonSpan[] = [];
  let escapedKeys = false;
  // One entry for each open container: the keys so far, or `undefined` for an array.
  const open: (Set<string> | undefined)[] = [];
  let key = "";
  let start = -1;
  let afterColon = false;
  const closeSpan = (end: number) => {
    if (start >= 0) spans.push({ key, start, end });
    start = -1;
  };
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) continue;
    const top = open.length === 1;
    if (c === 0x2c /* , */ || c === 0x7d /* } */ || c === 0x5d /* ] */) {
      if (top) closeSpan(trimmedEnd(text, i));
      if (c !== 0x2c) open.pop();
      afterColon = false;
      continue;
    }
    if (c === 0x3a /* : */) {
      afterColon = true;
      continue;
    }
    const keys = open.at(-1);
    if (c === 0x22 && keys && !afterColon) {
      const end = stringEnd(text, i);
      const name = unescape(text.slice(i, end));
      if (keys.has(name)) {
        throw new ManifestsSyntaxError(
          "INVALID_JSON",
          `Cannot parse ${what}: key ${JSON.stringify(name)} occurs twice in an object`,
        );
      }
      keys.add(name);
      escapedKeys ||= name.length !== end - i - 2;
      if (top) key = name;
      i = end - 1;
      continue;
    }
    if (top && start < 0) start = i;
    if (c === 0x22) {
      i = stringEnd(text, i) - 1;
    } else if (c === 0x7b || c === 0x5b) {
      if (open.length >= MAX_DEPTH) {
        throw new ManifestsSyntaxError(
          "INVALID_JSON",
          `Cannot parse ${what}: nested deeper than ${MAX_DEPTH} levels`,
        );
      }
      open.push(c === 0x7b ? new Set() : undefined);
      afterColon = false;
    }
  }
  return { spans, escapedKeys };
}

function stringEnd(text: string, start: number): number {
  let i = start + 1;
  for (;;) {
    const quote = text.indexOf('"', i);
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
    i = quote + 1;
  }
}

function trimmedEnd(text: string, end: number): number {
  while (end > 0 && " \n\r\t".includes(text[end - 1]!)) end--;
  return end;
}

function unescape(quoted: string): string {
  return quoted.includes("\\") ? JSON.parse(quoted) : quoted.slice(1, -1);
}
