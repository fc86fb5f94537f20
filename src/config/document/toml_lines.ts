import { formatKeyPath, type KeyPath } from "./key_path.ts";

const PART = `(?:"(?:[^"\\\\]|\\\\.)*"|'[^']*'|[A-Za-z0-9_-]+)`;
const HEADER_REGEXP = new RegExp(`^\\s*(\\[\\[?)\\s*(${PART}(?:\\s*\\.\\s*${PART})*)\\s*\\]`);
const PAIR_REGEXP = new RegExp(`^\\s*(${PART}(?:\\s*\\.\\s*${PART})*)\\s*=`);

function splitKey(dotted: string): string[] {
  const parts = dotted.match(new RegExp(PART, "g")) ?? [];
  return parts.map((part) => /^["']/.test(part) ? part.slice(1, -1) : part);
}

/**
 * The line, from 1, on which a value of a TOML document is set, or else the table that it would be in; `undefined` where
 * the text shows neither. The parser says where something is only of documents that do not parse.
 */
export function findTomlLine(text: string, path: KeyPath): number | undefined {
  const counts = new Map<string, number>();
  let table: (string | number)[] = [];
  let best: { line: number; depth: number } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const header = HEADER_REGEXP.exec(line);
    const pair = header ? undefined : PAIR_REGEXP.exec(line);
    if (header) table = headerPath(splitKey(header[2]!), header[1] === "[[", counts);
    if (!header && !pair) continue;
    const here = pair ? [...table, ...splitKey(pair[1]!)] : table;
    // A header such as `[a.b]` also makes `a`.
    const depth = Math.min(here.length, path.length);
    const matches = path.slice(0, depth).every((step, i) => step === here[i]);
    if (matches && depth > (best?.depth ?? 0)) best = { line: index + 1, depth };
  }
  return best?.line;
}

/** The path that a header means: within arrays of tables, their last item. */
function headerPath(parts: readonly string[], isItem: boolean, counts: Map<string, number>): (string | number)[] {
  const path: (string | number)[] = [];
  for (const [i, part] of parts.entries()) {
    path.push(part);
    const key = formatKeyPath(path);
    const last = counts.get(key);
    const index = isItem && i === parts.length - 1 ? (last ?? -1) + 1 : last;
    if (index === undefined) continue;
    counts.set(key, index);
    path.push(index);
  }
  return path;
}
