import { ConfigFileError } from "../config_file_error.ts";
import { ConfTable } from "./table.ts";
import { findTomlLine } from "./toml_lines.ts";

/** A TOML parser: text to plain objects. Handed in, so that who reads no configuration loads none. */
export type TomlParser = (text: string) => unknown;

/**
 * Parses a TOML document into its outermost table.
 *
 * @param path Names the file in errors.
 * @throws {ConfigFileError} With the line, where the document does not parse.
 */
export function parseToml(text: string, parse: TomlParser, path: string): ConfTable {
  try {
    return ConfTable.of({ path, value: parse(text), findLine: (key) => findTomlLine(text, key) });
  } catch (cause) {
    if (cause instanceof ConfigFileError) throw cause;
    const { message, line } = cause as Error & { line?: unknown };
    // The parser's own message goes on with a picture of the lines around.
    const problem = message.split("\n")[0]!.replace(/^Invalid TOML document: /, "");
    const place = { path, line: typeof line === "number" ? line : undefined };
    throw new ConfigFileError(place, `it is not valid TOML: ${problem}`, { cause });
  }
}
