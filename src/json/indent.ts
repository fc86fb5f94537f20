/**
 * Adds line breaks and indentation to valid JSON text (Go's `json.Indent`). Tokens are unchanged: numbers keep their
 * digits and objects their order.
 */
export function indentJson(text: string, indent: string): string {
  const out: string[] = [];
  let depth = 0;
  const newline = () => out.push("\n", indent.repeat(depth));
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g)) {
    if (token === "}" || token === "]") {
      depth--;
      const open = token === "}" ? "{" : "[";
      if (out.at(-1) !== open) newline();
      out.push(token);
    } else {
      if (out.at(-1) === "{" || out.at(-1) === "[") newline();
      out.push(token === ":" ? ": " : token);
      if (token === ",") newline();
      if (token === "{" || token === "[") depth++;
    }
  }
  return out.join("");
}
