/** Checks the Markdown documents against the wording rules of `english.ts`: `deno run -R _tools/check_markdown.ts [FILE…]`. */
import { findDialect } from "./english.ts";

/** A paragraph, list item or table row of a document, and the number of its first line. */
interface Block {
  line: number;
  text: string;
}

/** Splits a document into blocks of prose; fenced code is left out. */
function proseBlocks(markdown: string): Block[] {
  const blocks: Block[] = [];
  let fenced = false;
  let current: Block | undefined;
  for (const [index, line] of markdown.split("\n").entries()) {
    const isFence = /^\s*(```|~~~)/.test(line);
    if (isFence) fenced = !fenced;
    const isProse = !fenced && !isFence && line.trim() !== "";
    if (!isProse || /^\s*([-*|#>]|\d+\.)\s?/.test(line)) current = undefined;
    if (!isProse) continue;
    if (current) current.text += `\n${line}`;
    else blocks.push(current = { line: index + 1, text: line.replace(/^\s*([-*#>]+|\d+\.)\s/, "") });
  }
  return blocks;
}

/** Finds the refused wordings of a document and formats each as one line. */
export function checkMarkdown(path: string, markdown: string): string[] {
  return proseBlocks(markdown).flatMap(({ line, text }) =>
    findDialect(text).map(({ index, found, instead }) => {
      const at = line + text.slice(0, index).split("\n").length - 1;
      return `${path}:${at}: ${JSON.stringify(found)}: write ${instead}`;
    })
  );
}

/** Lists the Markdown documents of a checkout. */
export async function listDocuments(root: URL): Promise<string[]> {
  const documents: string[] = [];
  for (const folder of ["", "docs/", ".github/"]) {
    const entries = await Array.fromAsync(Deno.readDir(new URL(folder, root))).catch(() => []);
    documents.push(...entries.filter(({ name }) => name.endsWith(".md")).map(({ name }) => folder + name));
  }
  return documents.sort();
}

if (import.meta.main) {
  const root = new URL("../", import.meta.url);
  const paths = Deno.args.length > 0 ? Deno.args : await listDocuments(root);
  const problems: string[] = [];
  for (const path of paths) problems.push(...checkMarkdown(path, await Deno.readTextFile(new URL(path, root))));
  for (const problem of problems) await Deno.stderr.write(new TextEncoder().encode(`${problem}\n`));
  if (problems.length > 0) Deno.exit(1);
}
