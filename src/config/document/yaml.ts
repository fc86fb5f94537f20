import type * as Yaml from "yaml";
import { ConfigFileError } from "../config_file_error.ts";
import type { KeyPath } from "./key_path.ts";
import { ConfTable } from "./table.ts";

/** The YAML parser of the package `yaml`. Passed as a parameter, so that it is only loaded when it is needed. */
export type YamlParser = Pick<typeof Yaml, "isMap" | "isScalar" | "LineCounter" | "parseAllDocuments" | "visit">;

/** Options for {@linkcode parseYaml}. */
export interface ParseYamlOptions {
  /** Keys of booleans that accept the words of YAML 1.1, such as `yes` and `off`. Default: none. */
  truthKeys?: readonly string[];
}

const TRUE_REGEXP = /^(?:y|yes|on)$/i;
const FALSE_REGEXP = /^(?:n|no|off)$/i;

/**
 * Parses the first document of a YAML file into its outermost table.
 *
 * @param path Path of the file for error messages.
 * @throws {ConfigFileError} If the document cannot be parsed; with the line, if it is known.
 */
export function parseYaml(text: string, yaml: YamlParser, path: string, options: ParseYamlOptions = {}): ConfTable {
  const lines = new yaml.LineCounter();
  const [document] = yaml.parseAllDocuments(text, { lineCounter: lines, merge: true });
  if (!document || !("contents" in document)) return ConfTable.of({ path, value: null, findLine: () => undefined });
  const error = document.errors[0];
  if (error) {
    const problem = error.message.split("\n")[0]!.replace(/ at line \d+, column \d+:?$/, "");
    throw new ConfigFileError({ path, line: error.linePos?.[0].line }, `it is not valid YAML: ${problem}`);
  }
  // Parsing by the rules of YAML 1.1 would also convert keys and other strings to booleans.
  yaml.visit(document, {
    Pair(_, { key, value }) {
      const name = yaml.isScalar(key) ? key.value : undefined;
      if (!options.truthKeys?.includes(name as string) || !yaml.isScalar(value) || value.type !== "PLAIN") return;
      if (TRUE_REGEXP.test(String(value.value))) value.value = true;
      else if (FALSE_REGEXP.test(String(value.value))) value.value = false;
    },
  });
  return ConfTable.of({ path, value: document.toJS(), findLine });

  /** Finds the line of the last key of the path that is in the text. Further keys may come from an alias or a merge. */
  function findLine(keys: KeyPath): number | undefined {
    let line: number | undefined;
    let node: unknown = document!.contents;
    for (const step of keys) {
      if (!yaml.isMap(node)) break;
      const pair = node.items.find(({ key }) => yaml.isScalar(key) && String(key.value) === step);
      if (!yaml.isScalar(pair?.key) || !pair.key.range) break;
      line = lines.linePos(pair.key.range[0]).line;
      node = pair.value;
    }
    return line;
  }
}
