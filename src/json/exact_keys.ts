import { walkJson } from "./scan.ts";

/**
 * Parses JSON text whose keys contain escapes, which the engine of Deno 2.9 (V8 14) parses wrongly: it confuses such a
 * key with a key of an earlier object of the same shape. After `{"\\":1}` is parsed, `{"\u003c":1}` gets a member `\`.
 * Go escapes `<`, `>` and `&` in the names of annotations, so such keys occur.
 *
 * @param text JSON text that `JSON.parse` and `scanJson` have accepted.
 */
export function parseWithExactKeys(text: string): unknown {
  const { spans, escapedKeys } = walkJson(text, "JSON");
  if (!escapedKeys) return JSON.parse(text);
  const members = spans.map(({ key, start, end }) => [key, parseWithExactKeys(text.slice(start, end))] as const);
  // `Object.fromEntries` makes `__proto__` an ordinary member, as `JSON.parse` does.
  return text.trimStart().startsWith("{") ? Object.fromEntries(members) : members.map(([, value]) => value);
}
