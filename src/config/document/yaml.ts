import type * as Yaml from "yaml";
import { ConfigFileError } from "../config_file_error.ts";
import type { KeyPath } from "./key_path.ts";
import { ConfTable } from "./table.ts";

/** The YAML parser, the module `yaml`. Handed in, so that who reads no YAML loads none. */
export type YamlParser = Pick<typeof Yaml, "isMap" | "isScalar" | "LineCounter" | "parseAllDocuments" | "visit">;

/** Options for {@linkcode parseYaml}. */
export interface ParseYamlOptions {
  /** Keys of truth values, which may also be written with the words of YAML 1.1, such as `yes` and `off`. */
  truthKeys?: readonly string[];
}

const TRUE_REGEXP = /^(?:y|yes|on)$/i;
const FALSE_REGEXP = /^(?:n|no|off)$/i;

/**
 * Parses the first document of a YAML file into its outermost table.
 *
 * @param path Names the file in errors.
 * @throws {ConfigFileError} With the line, where the document does not parse.
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
  // To parse by the rules of 1.1 would make truth values of keys and texts too.
  yaml.visit(document, {
    Pair(_, { key, value }) {
      const name = yaml.isScalar(key) ? key.value : undefined;
      if (!options.truthKeys?.includes(name as string) || !yaml.isScalar(value) || value.type !== "PLAIN") return;
      if (TRUE_REGEXP.test(String(value.value))) value.value = true;
      else if (FALSE_REGEXP.test(String(value.value))) value.value = false;
    },
  });
  return ConfTable.of({ path, value: document.toJS(), findLine });

  /** The line of the last key on the way that the text shows: the others may come by an alias or a merge. */
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
