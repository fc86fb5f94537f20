import { isObject } from "../../json/room.ts";
import { ConfigFileError } from "../config_file_error.ts";
import { formatKeyPath, type KeyPath } from "./key_path.ts";

/** A document that was parsed. */
export interface ParsedDocument {
  /** The file. */
  readonly path: string;
  /** Its content, as plain objects. */
  readonly value: unknown;
  /** The line, from 1, of a value or of what it would be in; `undefined` where that cannot be told. */
  findLine(path: KeyPath): number | undefined;
}

/** A document, and which of its keys were asked for, so that the others can be told. */
interface ReadDocument extends ParsedDocument {
  readonly known: Set<string>;
}

/** A table of a JSON, TOML or YAML document, read key by key. What is wrong in it is an error with file, line and key. */
export class ConfTable {
  readonly #document: ReadDocument;
  readonly #path: KeyPath;
  readonly #values: Readonly<Record<string, unknown>>;

  private constructor(document: ReadDocument, path: KeyPath, values: Readonly<Record<string, unknown>>) {
    this.#document = document;
    this.#path = path;
    this.#values = values;
  }

  /** The outermost table of a document; an empty document has an empty one. */
  static of(document: ParsedDocument): ConfTable {
    const read = { ...document, known: new Set<string>() };
    const { value } = document;
    if (isObject(value)) return new ConfTable(read, [], value);
    const root = new ConfTable(read, [], {});
    return value === null || value === undefined ? root : root.fail(undefined, "it is not a table");
  }

  /** The file that it is in. */
  get file(): string {
    return this.#document.path;
  }

  /** Whether the value of a key is a table. */
  isTable(key: string): boolean {
    return isObject(this.#values[key]);
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

  /**
   * Texts; `undefined` where they are not set. They come after those of the files before where an item of them asks for
   * that (`{append = true}`), else they replace them.
   */
  texts(key: string, before: readonly string[] = []): readonly string[] | undefined {
    const isTexts = (value: unknown): value is unknown[] =>
      Array.isArray(value) && value.every((item) => typeof item === "string" || isAppendItem(item));
    const items = this.#value(key, "an array of strings", isTexts);
    const appends = items?.some((item) => isObject(item) && item.append === true);
    return items && [...appends ? before : [], ...items.filter((item) => typeof item === "string")];
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
    const at = key === undefined ? this.#path : [...this.#path, key];
    const { path } = this.#document;
    const place = { path, line: this.#document.findLine(at), key: formatKeyPath(at) || undefined };
    throw new ConfigFileError(place, problem);
  }

  /** The keys, with their tables' names, below this table that nobody has asked for: mistyped ones are among them. */
  unknownKeys(): string[] {
    return listKeys(this.#values, this.#path).filter((key) => !this.#document.known.has(key));
  }

  #value<T>(key: string, expected: string, is: (value: unknown) => value is T): T | undefined {
    this.#document.known.add(formatKeyPath([...this.#path, key]));
    // YAML has `null` where nothing stands after a key.
    const value = this.#values[key] ?? undefined;
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
