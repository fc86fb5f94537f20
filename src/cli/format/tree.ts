import { sanitize } from "./width.ts";

/** A line with the lines below it. */
export interface TreeNode {
  /** Its text. */
  readonly text: string;
  /** What hangs on it. */
  readonly children?: readonly TreeNode[];
}

/** Lines of a tree. */
export function formatTree({ text, children = [] }: TreeNode): string[] {
  return [sanitize(text), ...formatChildren(children)];
}

function formatChildren(children: readonly TreeNode[]): string[] {
  return children.flatMap((child, i) => {
    const last = i === children.length - 1;
    const [first, ...rest] = formatTree(child);
    return [(last ? "└─ " : "├─ ") + first, ...rest.map((line) => (last ? "   " : "│  ") + line)];
  });
}
