/**
 * Lists all nodes that can be reached from a node without duplicates, starting with the node itself. Each node is visited
 * once: otherwise, a few small indexes that name each other many times would take forever.
 */
export function listReachable<Node>(top: Node, getNext: (node: Node) => readonly Node[]): readonly Node[] {
  const found = new Set([top]);
  // Iteration over a set includes the elements that are added during it.
  for (const node of found) for (const next of getNext(node)) found.add(next);
  return [...found];
}
