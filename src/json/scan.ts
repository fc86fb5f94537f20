import { ManifestsSyntaxError } from "../errors/room.ts";

/** How deep arrays and objects may nest. Real manifests stay below ten; Go's decoder stops at 10,000. */
const MAX_DEPTH = 100;

/** A member of an object or an item of an array, with the range of its value in the text. */
export interface JsonSpan {
  /** The member's name, unescaped; empty for array items. */
  key: string;
  /** Where the value starts. */
  start: number;
  /** Where it ends (exclusive). */
  end: number;
}

/**
 * Walks JSON text that `JSON.parse` has accepted and refuses what `JSON.parse` lets through: one key twice in an
 * object (readers disagree about which one counts), and nesting beyond reason. Returns the spans of the top value's
 * members or items, so that callers can keep the text of those they do not change.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_JSON`.
 */
export function scanJson(text: string, what: string): JsonSpan[] {
  return walkJson(text, what).spans;
}

/** As {@linkcode scanJson}, and whether a key at any level is written with an escape. */
export function walkJson(text: string, what: string): { spans: JsonSpan[]; escapedKeys: boolean } {
  const spans: JsonSpan[] = [];
  let escapedKeys = false;
  // One entry per open container: the keys seen so far, or undefined for an array.
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
          `Cannot parse ${what} as key ${JSON.stringify(name)} is there twice`,
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
          `Cannot parse ${what} as it nests deeper than ${MAX_DEPTH} levels`,
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
