import { isObject } from "../../spec/mod.ts";
import { ConfigFileError } from "../config_file_error.ts";
import { findTomlLine, formatKeyPath, type KeyPath } from "./lines.ts";

/** A TOML parser: text to plain objects. Handed in, so that who reads no configuration loads none. */
export type TomlParser = (text: string) => unknown;

/** What a table is part of. */
interface Document {
  readonly path: string;
  readonly text: string;
  /** Keys that were asked for, so that the others can be told. */
  readonly known: Set<string>;
}

/** A table of a TOML document, read key by key. What is wrong in it is an error with file, line and key. */
export class ConfTable {
  readonly #document: Document;
  readonly #path: KeyPath;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(document: Document, path: KeyPath, values: Readonly<Record<string, unknown>>) {
    this.#document = document;
    this.#path = path;
    this.#values = values;
  }

  /** The file that it is in. */
  get file(): string {
    return this.#document.path;
  }

  /** Its keys. */
  get keys(): string[] {
    return Object.keys(this.#values);
  }

  /** Whether a key is there. */
  has(key: string): boolean {
    return Object.hasOwn(this.#values, key);
  }

  /** A text; `undefined` where it is not set. */
  text(key: string): string | undefined {
    return this.#value(key, "a string", (value) => typeof value === "string");
  }

  /** A text that is not empty; `undefined` where it is, or is not set. */
  nonEmptyText(key: string): string | undefined {
    return this.text(key) || undefined;
  }

  /** A truth value; `undefined` where it is not set. */
  boolean(key: string): boolean | undefined {
    return this.#value(key, "true or false", (value) => typeof value === "boolean");
  }

  /** A whole number from 0; `undefined` where it is not set. */
  count(key: string): number | undefined {
    const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
    return this.#value(key, "a whole number from 0", isCount);
  }

  /** Texts; `undefined` where they are not set. The item that asks to append is left out, see {@linkcode appends}. */
  texts(key: string): readonly string[] | undefined {
    const isTexts = (value: unknown): value is unknown[] =>
      Array.isArray(value) && value.every((item) => typeof item === "string" || isAppendItem(item));
    const items = this.#value(key, "an array of strings", isTexts);
    return items?.filter((item) => typeof item === "string");
  }

  /** Whether an array of texts adds to that of the files before instead of replacing it. */
  appends(key: string): boolean {
    const value = this.#values[key];
    return Array.isArray(value) && value.some(isAppendItem);
  }

  /** A table; empty where it is not set. */
  table(key: string): ConfTable {
    const values = this.#value(key, "a table", isObject) ?? {};
    return new ConfTable(this.#document, [...this.#path, key], values);
  }

  /** The tables of an array; none where it is not set. */
  tables(key: string): ConfTable[] {
    const isTables = (value: unknown): value is Record<string, unknown>[] =>
      Array.isArray(value) && value.every(isObject);
    const items = this.#value(key, "an array of tables", isTables) ?? [];
    return items.map((values, i) => new ConfTable(this.#document, [...this.#path, key, i], values));
  }

  /** Refuses the document for a key of this table, or for the table. */
  fail(key: string | undefined, problem: string): never {
    const { path, text } = this.#document;
    const at = key === undefined ? this.#path : [...this.#path, key];
    throw new ConfigFileError({ path, line: findTomlLine(text, at), key: formatKeyPath(at) || undefined }, problem);
  }

  /** The keys, with their tables' names, below this table that nobody has asked for: mistyped ones are among them. */
  unknownKeys(): string[] {
    return listKeys(this.#values, this.#path).filter((key) => !this.#document.known.has(key));
  }

  #value<T>(key: string, expected: string, is: (value: unknown) => value is T): T | undefined {
    this.#document.known.add(formatKeyPath([...this.#path, key]));
    const value = this.#values[key];
    if (value === undefined || is(value)) return value;
    return this.fail(key, `must be ${expected}`);
  }
}

function isAppendItem(item: unknown): boolean {
  return isObject(item) && typeof item.append === "boolean";
}

function listKeys(values: Readonly<Record<string, unknown>>, path: KeyPath): string[] {
  return Object.entries(values).flatMap(([key, value]): string[] => {
    const at = [...path, key];
    if (isObject(value)) return [formatKeyPath(at), ...listKeys(value, at)];
    const items = Array.isArray(value) ? [...value.entries()] : [];
    return [
      formatKeyPath(at),
      ...items.flatMap(([i, item]) => isObject(item) && !isAppendItem(item) ? listKeys(item, [...at, i]) : []),
    ];
  });
}

/**
 * Parses a TOML document into its outermost table.
 *
 * @param path Names the file in errors.
 * @throws {ConfigFileError} With the line, where the document does not parse.
 */
export function parseToml(text: string, parse: TomlParser, path: string): ConfTable {
  let values: unknown;
  try {
    values = parse(text);
  } catch (cause) {
    const { message, line } = cause as Error & { line?: unknown };
    // The parser's own message goes on with a picture of the lines around.
    const problem = message.split("\n")[0]!.replace(/^Invalid TOML document: /, "");
    throw new ConfigFileError(
      { path, line: typeof line === "number" ? line : undefined },
      `it is not valid TOML: ${problem}`,
      { cause },
    );
  }
  return new ConfTable({ path, text, known: new Set() }, [], isObject(values) ? values : {});
}
