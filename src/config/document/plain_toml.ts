import { isObject } from "../../json/room.ts";

const COMMENT = String.raw`#[^\x00-\x08\x0a-\x1f\x7f]*`;
const SPACE = String.raw`(?:[ \t]|\r?\n|${COMMENT}\r?\n)*`;
const TEXT = String.raw`"[^"\\\x00-\x1f\x7f]*"`;
const KEY = String.raw`[A-Za-z0-9_-]+|${TEXT}`;
const LIST = String.raw`\[${SPACE}(?:${TEXT}${SPACE},${SPACE})*(?:${TEXT}${SPACE})?\]`;
const HEADER = String.raw`\[[ \t]*(?<header>[A-Za-z0-9_.-]+)[ \t]*\]`;
const PAIR = String.raw`(?<key>${KEY})[ \t]*=[ \t]*(?<value>true|false|${TEXT}|${LIST})`;
const LINE = String.raw`[ \t]*(?:${HEADER}|${PAIR})?[ \t]*(?:${COMMENT})?(?:\r?\n|$)`;

/** A table of a document, without a prototype: every name can be a key. */
type Table = Record<string, unknown>;

/**
 * Parses a TOML document if it has only tables, and in them strings without escapes, lists of them, and booleans, as the
 * files of distributions; returns `undefined` for all other documents, also for those with faults. Loading and running a
 * complete parser takes 7 ms, a tenth of a short command.
 */
export function parsePlainToml(text: string): Table | undefined {
  const line = new RegExp(LINE, "y");
  const root: Table = Object.create(null);
  const headers = new Set<string>();
  let table = root;
  while (line.lastIndex < text.length) {
    const groups = line.exec(text)?.groups;
    if (!groups) return undefined;
    const { header, key, value } = groups;
    if (header !== undefined) {
      const found = headers.has(header) ? undefined : openTable(root, header.split("."));
      if (!found) return undefined;
      headers.add(header);
      table = found;
    } else if (key !== undefined) {
      const name = key.startsWith('"') ? key.slice(1, -1) : key;
      if (name in table) return undefined;
      table[name] = parseValue(value!);
    }
  }
  return root;
}

/** Returns a table of a document, which is created if it does not exist; `undefined` if its name has another meaning. */
function openTable(root: Table, path: readonly string[]): Table | undefined {
  let table = root;
  for (const name of path) {
    if (name === "") return undefined;
    const inner = table[name] ??= Object.create(null);
    if (!isObject(inner)) return undefined;
    table = inner;
  }
  return table;
}

function parseValue(value: string): unknown {
  if (value.startsWith('"')) return value.slice(1, -1);
  if (!value.startsWith("[")) return value === "true";
  // Comments can contain quotes.
  const items = value.matchAll(new RegExp(`${COMMENT}|(?<item>${TEXT})`, "g"));
  return Array.from(items, ({ groups }) => groups!.item?.slice(1, -1)).filter((item) => item !== undefined);
}
