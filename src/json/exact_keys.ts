import { walkJson } from "./scan.ts";

/**
 * What `JSON.parse` should make of text, for keys that hold escapes. The engine of Deno 2.9 (V8 14) takes such a key
 * for one of an earlier object of the same shape whose name equals the *escaped* text: once `{"\\":1}` was parsed,
 * `{"\u003c":1}` has a member `\`. Names of annotations are written with escapes (`<`, `>`, `&`), so it matters.
 *
 * @param text JSON that `JSON.parse` and `scanJson` accepted.
 */
export function parseWithExactKeys(text: string): unknown {
  const { spans, escapedKeys } = walkJson(text, "JSON");
  if (!escapedKeys) return JSON.parse(text);
  const members = spans.map(({ key, start, end }) => [key, parseWithExactKeys(text.slice(start, end))] as const);
  // As with `JSON.parse`, `__proto__` is a member like any other.
  return text.trimStart().startsWith("{") ? Object.fromEntries(members) : members.map(([, value]) => value);
}
