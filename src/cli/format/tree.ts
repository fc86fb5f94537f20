import { sanitize } from "./width.ts";

/** A node of a tree to print. */
export interface TreeNode {
  /** Text of the line of this node. */
  readonly text: string;
  /** Nodes that are indented below this one; default: none. */
  readonly children?: readonly TreeNode[];
}

/** Formats a tree as lines with box-drawing characters. */
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
