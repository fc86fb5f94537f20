/** Finds the word that is most similar to a mistyped one; `undefined` if none is similar enough. */
export function findSimilar(typed: string, words: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(typed.length / 3));
  const [best] = words
    .map((word) => ({ word, distance: word.startsWith(typed) && typed.length > 1 ? 1 : measureDistance(typed, word) }))
    .toSorted((a, b) => a.distance - b.distance);
  return best && best.distance <= limit ? best.word : undefined;
}

/** Counts the letters to replace, delete, insert or swap with their neighbor (optimal string alignment distance). */
function measureDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const [above, row] = [rows[i - 1]!, [i]];
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(above[j]! + 1, row[j - 1]! + 1, replaced, swapped ? rows[i - 2]![j - 2]! + 1 : Infinity));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
