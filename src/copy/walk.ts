/**
 * All that can be reached from a node, itself first, and each once: what many others name is not walked for each of them,
 * or a few small indexes that name each other over and over would take for ever.
 */
export function listReachable<Node>(top: Node, below: (node: Node) => readonly Node[]): readonly Node[] {
  const found = new Set([top]);
  // A set is walked in the order in which it grows.
  for (const node of found) for (const next of below(node)) found.add(next);
  return [...found];
}
