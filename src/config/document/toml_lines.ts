import { formatKeyPath, type KeyPath } from "./key_path.ts";

const PART = `(?:"(?:[^"\\\\]|\\\\.)*"|'[^']*'|[A-Za-z0-9_-]+)`;
const HEADER_REGEXP = new RegExp(`^\\s*(\\[\\[?)\\s*(${PART}(?:\\s*\\.\\s*${PART})*)\\s*\\]`);
const PAIR_REGEXP = new RegExp(`^\\s*(${PART}(?:\\s*\\.\\s*${PART})*)\\s*=`);

function splitKey(dotted: string): string[] {
  const parts = dotted.match(new RegExp(PART, "g")) ?? [];
  return parts.map((part) => /^["']/.test(part) ? part.slice(1, -1) : part);
}

/**
 * Finds the line, starting at 1, on which a value of a TOML document is set, or else the line of the table that lacks
 * it; `undefined` if the text contains neither. The parser reports positions for syntax errors only.
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
    const current = pair ? [...table, ...splitKey(pair[1]!)] : table;
    // A header such as `[a.b]` also creates `a`.
    const depth = Math.min(current.length, path.length);
    const matches = path.slice(0, depth).every((step, i) => step === current[i]);
    if (matches && depth > (best?.depth ?? 0)) best = { line: index + 1, depth };
  }
  return best?.line;
}

/** Returns the path of a header. In arrays of tables, it refers to their last item. */
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
