import { measureWidth, sanitize, stripStyle } from "./width.ts";

/** Formats a table as lines. The columns are as wide as their longest cell; the last column is not padded. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [header, ...rows.map((row) => row.map(clean))];
  const widths = header.map((_, i) => Math.max(...all.map((row) => measureWidth(row[i] ?? ""))));
  return all.map((row) =>
    row.map((cell, i) => i === row.length - 1 ? cell : cell + " ".repeat(widths[i]! - measureWidth(cell))).join("  ")
      .trimEnd()
  );
}

/** Removes control characters from a cell. The escape sequences of colors stay. */
function clean(cell: string): string {
  return cell === stripStyle(cell) ? sanitize(cell) : cell;
}
