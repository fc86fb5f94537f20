import type { Document, LineCounter, Node, Pair, ParsedNode, YAMLError, YAMLMap, YAMLSeq } from "yaml";
import { ConfigFileError } from "../../config/room.ts";
import { failAt, type Place, type Tree } from "./tree.ts";

/** The parser, loaded when the first file is read. */
type Yaml = typeof import("yaml");

/** Maximum number of lists and tables in a document, and of levels: aliases can multiply them. */
const MAX_TABLES = 10_000, MAX_DEPTH = 50;

/** Cures of syntax errors, by the code of the parser. */
const CURES: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "a tab is used for indentation: use spaces",
  BAD_INDENT: "the indentation is wrong: the keys of a table must begin in the same column",
  BAD_SCALAR_START: "a value begins with a reserved character: quote it",
  BLOCK_AS_IMPLICIT_KEY: 'a value contains ": ": quote it',
  TAG_RESOLVE_FAILED: "a type such as !NAME is not supported: quote a value that begins with !",
  MULTILINE_IMPLICIT_KEY: 'a line has no ": ", or a quote or bracket is not closed',
};

/**
 * Reads a YAML document, or JSON, which is YAML. Aliases and merged tables (`<<`) are replaced by what they name. Keys
 * that are given twice are errors.
 *
 * @param path Path of the file, for messages.
 * @throws {ConfigFileError} If the text is not a YAML document; with the line.
 */
export async function readYamlTree(text: string, path: string): Promise<Tree> {
  const yaml = await import("yaml");
  const lines = new yaml.LineCounter();
  const documents = yaml.parseAllDocuments(text, { lineCounter: lines, uniqueKeys: false, logLevel: "silent" });
  const [document, second] = documents;
  if (!document || !("contents" in document)) throw new ConfigFileError({ path }, "it is empty");
  const error = document.errors[0] ?? document.warnings[0];
  if (error) throw describeError(error, path);
  if (second) {
    const { line } = lines.linePos(second.range[0]);
    throw new ConfigFileError({ path, line }, "it has more than one document: remove the line ---");
  }
  if (!document.contents) throw new ConfigFileError({ path }, "it is empty");
  return new TreeBuilder(yaml, document, lines).build(document.contents, { path, line: 1, key: "" });
}

function describeError({ code, message, linePos }: YAMLError, path: string): ConfigFileError {
  const [first = ""] = message.split("\n");
  // The parser reports a tab at the beginning of a line with several codes.
  const tab = /\btabs?\b/i.test(first) ? CURES.TAB_AS_INDENT : undefined;
  const problem = tab ?? CURES[code] ?? first.replace(/ at line \d+, column \d+:?$/, "");
  return new ConfigFileError({ path, line: linePos?.[0].line }, `it is not valid YAML: ${problem}`);
}

/** Converts the nodes of the parser to a {@linkcode Tree}. */
class TreeBuilder {
  readonly #yaml: Yaml;
  readonly #document: Document.Parsed<ParsedNode>;
  readonly #lines: LineCounter;
  #count = 0;
  #depth = 0;

  constructor(yaml: Yaml, document: Document.Parsed<ParsedNode>, lines: LineCounter) {
    this.#yaml = yaml;
    this.#document = document;
    this.#lines = lines;
  }

  /** Builds the tree of a node at a position. */
  build(node: Node | null, at: Place): Tree {
    const resolved = this.#resolve(node, at);
    if (this.#yaml.isMap(resolved)) return { ...at, kind: "table", members: this.#buildMembers(resolved, at) };
    if (this.#yaml.isSeq(resolved)) return { ...at, kind: "list", items: this.#buildItems(resolved, at) };
    if (!this.#yaml.isScalar(resolved)) return { ...at, kind: "scalar", value: null, source: "", isPlain: true };
    const { value, source = "", type } = resolved;
    const isPlain = type === "PLAIN";
    return { ...at, kind: "scalar", value: value as string, source: isPlain ? source : String(value), isPlain };
  }

  #resolve(node: Node | null, at: Place): Node | null {
    if (!this.#yaml.isAlias(node)) return node;
    const { source } = node;
    const problem = `uses *${source}, but no &${source} comes before it: quote a value that begins with *`;
    return node.resolve(this.#document) ?? failAt(at, problem);
  }

  /** Runs a step into a list or table. Aliases can form a circle, or multiply the content. */
  #enter<T>(at: Place, step: () => T): T {
    if (++this.#count > MAX_TABLES || this.#depth >= MAX_DEPTH) {
      failAt({ ...at, key: "" }, "its aliases make it too large");
    }
    this.#depth++;
    const result = step();
    this.#depth--;
    return result;
  }

  #buildItems(list: YAMLSeq, at: Place): Tree[] {
    return this.#enter(at, () =>
      (list.items as (Node | null)[]).map((item, i) => {
        const line = this.#findLine(item) ?? at.line;
        return this.build(item, { ...at, line, key: `${at.key}[${i}]` });
      }));
  }

  #findLine(node: Node | null): number | undefined {
    return node?.range ? this.#lines.linePos(node.range[0]).line : undefined;
  }

  /** Builds the members of a table. Its own members replace merged ones; all other repetitions are errors. */
  #buildMembers(map: YAMLMap, at: Place): Map<string, Tree> {
    return this.#enter(at, () => {
      const own = new Map<string, Tree>();
      const merged = new Map<string, Tree>();
      let merge: Place | undefined;
      for (const { key, value } of map.items as Pair<Node, Node | null>[]) {
        const place = { ...at, line: this.#findLine(key) ?? at.line };
        const name = this.#readKey(key, place);
        if (name !== "<<") {
          addMember(own, name, this.build(value, { ...place, key: joinKeys(at.key, name) }), place);
          continue;
        }
        if (merge) failRepeated("<<", merge, place);
        merge = place;
        for (const [inner, tree] of this.#readMerged(value, place)) addMember(merged, inner, tree, place);
      }
      return new Map([...merged, ...own]);
    });
  }

  #readKey(node: Node, at: Place): string {
    const key = this.#resolve(node, at);
    if (!this.#yaml.isScalar(key)) return failAt(at, "has a key that is not a text");
    const isPlain = key.type === "PLAIN";
    const text = isPlain ? key.source ?? "" : String(key.value);
    const hazard = isPlain ? findHazard(key.value, text) : undefined;
    if (hazard) failAt(at, `has the key ${text}, which ${hazard}: quote it as ${JSON.stringify(text)}`);
    return text;
  }

  /** Returns the members of the tables that `<<` names. */
  #readMerged(node: Node | null, at: Place): [string, Tree][] {
    const resolved = this.#resolve(node, at);
    const tables = this.#yaml.isSeq(resolved) ? resolved.items as Node[] : [resolved];
    return tables.flatMap((item) => {
      const table = this.#resolve(item, at);
      if (!this.#yaml.isMap(table)) return failAt(at, "merges (<<) a value that is not a table");
      return [...this.#buildMembers(table, at)];
    });
  }
}

function joinKeys(parent: string, name: string): string {
  return parent === "" ? name : `${parent}.${name}`;
}

function addMember(members: Map<string, Tree>, name: string, value: Tree, at: Place): void {
  const first = members.get(name);
  if (first) failRepeated(name, first, at);
  members.set(name, value);
}

function failRepeated(name: string, first: Place, second: Place): never {
  const where = first.line === second.line ? "" : `, first on line ${first.line}`;
  return failAt(second, `has the key ${JSON.stringify(name)} twice${where}: remove one of them`);
}

/**
 * Returns why a plain value is not, or not for all readers of YAML, the text that it seems to be; `undefined` if it is.
 * YAML 1.1, which many tools still read, knows more booleans than YAML 1.2.
 */
export function findHazard(value: unknown, source: string): string | undefined {
  if (typeof value === "number" || typeof value === "bigint") return "is a number in YAML";
  if (typeof value === "boolean") return "is a boolean in YAML";
  if (value === null) return source === "" ? "is empty" : "is null in YAML";
  return /^(?:y|yes|n|no|on|off)$/i.test(source) ? "is a boolean in YAML 1.1" : undefined;
}
