import { measureWidth, sanitize, stripStyle } from "./width.ts";

/** Lines of a table whose columns are as wide as they must be; the last column is not filled up. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [header, ...rows.map((row) => row.map(clean))];
  const widths = header.map((_, i) => Math.max(...all.map((row) => measureWidth(row[i] ?? ""))));
  return all.map((row) =>
    row.map((cell, i) => i === row.length - 1 ? cell : cell + " ".repeat(widths[i]! - measureWidth(cell))).join("  ")
      .trimEnd()
  );
}

/** Cells come from registries: only our own colours may be in them. */
function clean(cell: string): string {
  return cell === stripStyle(cell) ? sanitize(cell) : cell;
}
