import { UsageError } from "./errors.ts";
import { createStyle, type Style } from "./format/style.ts";
import { writeStderr } from "./stderr.ts";

/** Prints a line of the result to standard output. */
export function print(text: string): void {
  writeBytes(new TextEncoder().encode(`${text}\n`));
}

/** Writes exactly these bytes to standard output. */
export function writeBytes(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

/** Prints a line to standard error, such as a warning. */
export function note(text: string): void {
  writeStderr(`${text}\n`);
}

/** Flags for the format of the result. */
export interface ResultFormat {
  format?: string;
}

/** Prints the result as lines, or with `--format json` as JSON. */
export function printResult({ format }: ResultFormat, lines: readonly string[], value: unknown): void {
  if (format === "json") return print(JSON.stringify(value, undefined, 4));
  for (const line of lines) print(line);
}

/**
 * Checks `--format` before the command does anything.
 *
 * @param formats Formats that the command supports; default: `text` and `json`.
 * @throws {UsageError} The format is not one of them.
 */
export function assertFormat({ format }: ResultFormat, formats: readonly string[] = ["text", "json"]): void {
  if (format === undefined || formats.includes(format)) return;
  throw new UsageError(`unknown format ${JSON.stringify(format)}: choose one of ${formats.join(", ")}`);
}

/** Returns the style of standard output: colours if it is a terminal. */
export function getStdoutStyle(): Style {
  return createStyle({ isTerminal: Deno.stdout.isTerminal(), env: (name) => Deno.env.get(name) });
}

/** Returns the width of standard output in columns; `undefined` if it is not a terminal. */
export function getStdoutColumns(): number | undefined {
  if (!Deno.stdout.isTerminal()) return undefined;
  try {
    return Deno.consoleSize().columns || undefined;
  } catch {
    return undefined;
  }
}
