import { ConfigFileError } from "../config_file_error.ts";
import { ConfTable } from "./table.ts";
import { findTomlLine } from "./toml_lines.ts";

/**
 * A TOML parser: converts text to plain objects. Passed as a parameter, so that it is only loaded when it is needed.
 */
export type TomlParser = (text: string) => unknown;

/**
 * Parses a TOML document into its outermost table.
 *
 * @param path Path of the file for error messages.
 * @throws {ConfigFileError} If the document cannot be parsed; with the line, if it is known.
 */
export function parseToml(text: string, parse: TomlParser, path: string): ConfTable {
  try {
    return ConfTable.of({ path, value: parse(text), findLine: (key) => findTomlLine(text, key) });
  } catch (cause) {
    if (cause instanceof ConfigFileError) throw cause;
    const { message, line } = cause as Error & { line?: unknown };
    // The following lines of the parser's message show the surrounding text.
    const problem = message.split("\n")[0]!.replace(/^Invalid TOML document: /, "");
    const place = { path, line: typeof line === "number" ? line : undefined };
    throw new ConfigFileError(place, `it is not valid TOML: ${problem}`, { cause });
  }
}
