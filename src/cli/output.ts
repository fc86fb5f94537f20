import { UsageError } from "./errors.ts";
import { createStyle, type Style } from "./format/style.ts";

/** Prints a line of a result. */
export function print(text: string): void {
  const bytes = new TextEncoder().encode(`${text}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

/** Prints a line beside the result. */
export function note(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** How a command prints its result. */
export interface ResultFormat {
  format?: string;
}

/** Prints a result as lines, or, with `--format json`, as a value. */
export function printResult({ format }: ResultFormat, lines: readonly string[], value: unknown): void {
  if (format === "json") return print(JSON.stringify(value, undefined, 4));
  for (const line of lines) print(line);
}

/** Refuses a format that a command does not have, before it does anything. */
export function assertFormat({ format }: ResultFormat, formats: readonly string[] = ["text", "json"]): void {
  if (format === undefined || formats.includes(format)) return;
  throw new UsageError(`unknown format ${JSON.stringify(format)}: choose one of ${formats.join(", ")}`);
}

/** Colours for stdout. */
export function getStdoutStyle(): Style {
  return createStyle({ isTerminal: Deno.stdout.isTerminal(), env: (name) => Deno.env.get(name) });
}
